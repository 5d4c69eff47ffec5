/* The laboratory's reading of assembly (tests/lab/inner_loop.c): loops as five vendors' drivers print them. */
#include "inner_loop.h"
#include "tests/support/harness.h"

#define AMD      0x1002u
#define INTEL    0x8086u
#define QUALCOMM 0x5143u
#define NVIDIA   0x10deu
#define ARM      0x13b5u

static void assert_loop(const char *assembly, uint32_t vendor_id, struct inner_loop expected)
{
    struct inner_loop loop;
    if (!read_inner_loop(assembly, vendor_id, &loop))
        fail_msg("no loop was found in\n%s", assembly);
    if (loop.multiply_adds != expected.multiply_adds || loop.vector != expected.vector ||
        loop.loads != expected.loads || loop.scalar_loads != expected.scalar_loads || loop.all != expected.all)
        fail_msg("multiply-adds %u, vector %u, loads %u + %u, all %u; not %u, %u, %u + %u, %u, in\n%s",
                 loop.multiply_adds, loop.vector, loop.loads, loop.scalar_loads, loop.all, expected.multiply_adds,
                 expected.vector, expected.loads, expected.scalar_loads, expected.all, assembly);
}

static void amds_loop_is_counted(void **state)
{
    (void)state;
    assert_loop("BB0:\n"
                "\tv_mov_b32_e32 v2, s27                                       ; 7e04021b\n"
                "BB1:\n"
                "\ts_cmp_ge_u32 s8, s13                                        ; bf090d08\n"
                "\ts_cbranch_scc1 BB5                                          ; bf8500d0\n"
                "BB4:\n"
                "\tbuffer_load_dwordx4 v[36:39], v34, s[20:23], 0 offen         ; e0381000 80052422\n"
                "\ts_buffer_load_dwordx8 s[24:31], s[36:39], s3                ; f42c0612 06000000\n"
                "\ts_waitcnt vmcnt(0) lgkmcnt(0)                               ; bf8c0070\n"
                "\tv_fmac_f32_e32 v34, s26, v38                                ; 56444c1a\n"
                "\tv_mac_f32_e32 v34, s26, v38                                 ; 2c444c1a\n"
                "\tv_mad_u32_u24 v1, v2, v3, v4                                ; d543\n"
                "\tv_add_f32_e32 v5, v34, v5                                   ; 060a0b22\n"
                "\ts_branch BB1                                                ; bf82ff2e\n"
                "BB5:\n"
                "\tv_fmac_f32_e32 v34, s26, v38                                ; 56444c1a\n"
                "\ts_endpgm                                                    ; bf810000\n",
                AMD, (struct inner_loop){2, 4, 1, 1, 10, 0, 0});
}

static void intels_loop_is_counted(void **state)
{
    (void)state;
    assert_loop("mov(8)          g4UD            g2UD                            { align1 WE_all 1Q };\n"
                "LABEL1:\n"
                "cmp.ge.f0.0(16) null<1>UD       g117<8,8,1>UD   g2.4<0,1,0>UD   { align1 1H @2 };\n"
                "(+f0.0) break(16) JIP:  LABEL0        UIP:  LABEL0              { align1 1H };\n"
                "send(16)        g11UD           g3UD            nullUD          0x04805003     0x00000000\n"
                "                            dp data 1 MsgDesc: (untyped surface read, Surface = 3, SIMD16)\n"
                "sync nop(1)                     null<0,1,0>UB                   { align1 WE_all 1N $6.dst };\n"
                "mad(16)         g123<1>F        g121<8,8,1>F    g7<8,8,1>F      g39<1,1,1>F { align1 1H };\n"
                "add(16)         g109<1>F        g109<8,8,1>F    g123<8,8,1>F    { align1 1H @2 compacted };\n"
                "LABEL0:\n"
                "while(16)       JIP:  LABEL1                                    { align1 1H };\n",
                INTEL, (struct inner_loop){1, 3, 1, 0, 7, 0, 0});
}

static void intels_loop_is_counted_as_newer_drivers_print_it(void **state)
{
    (void)state;
    assert_loop("        mov (16)                  r61           r121.5<0>\n"
                "\n"
                "L0:\n"
                "        cmp (16)       (ge)f0.0   null          r99               r111<0>         {I@2}\n"
                "(f0.0)  break (16)                            jip:L1              uip:L1\n"
                "(W)     sync.nop (1)                            null                              {$0.src}\n"
                "        send.ugm (16)             r1      r11    null:0  0x02000000  0x64803500   {$1}  // wr:2+0\n"
                "        mad (16)                  r63:f         r11:f             r8.6<0>:f         r25<1>:f {F@4}\n"
                "        mad (16)                  r9:f          r13:f             r8.7<0>:f         r25<1>:f {F@4}\n"
                "\n"
                "L1:\n"
                "        while (16)                            L0\n"
                "        mad (16)                  r9:f          r13:f             r8.7<0>:f         r25<1>:f\n"
                "(f0.0)  if (16)                               jip:L6              uip:L6\n",
                INTEL, (struct inner_loop){2, 3, 1, 0, 7, 0, 0});
}

/* Block 3 follows the loop, though it stands inside of it. */
static void nvidias_loop_is_followed_from_block_to_block(void **state)
{
    (void)state;
    assert_loop("block.u 0 L1 [] -> {\n"
                "      r13      = ffma.ftz r20 r28 r13    // delay=1 wt=000100\n"
                "} -> [1]\n"
                "block.u 1 L0 [0, 4] -> {\n"
                "      p0       = isetp.ge.u32 r0 ur2     // delay=13\n"
                "@!p0             bra pT L24              // delay=1\n"
                "} -> [3, 4]\n"
                "block 3 L4 [1] -> {\n"
                "      r13      = ffma.ftz r20 r28 r13    // delay=1 wt=000100\n"
                "                 exit                    // delay=1\n"
                "} -> []\n"
                "block 4 L24 [1] -> {\n"
                "      ur4      = ldc.b32 c[0x0][+0x704]  // delay=2 wr:2\n"
                "      ur4      = iadd3 ur1 ur3 rZ        // delay=2\n"
                "      r20..24  = ld.global.b128 [r18+ur10..12], pT // delay=1\n"
                "      r13      = ffma.ftz r20 r28 r13    // delay=1 wt=000100\n"
                "      r9       = ffma.ftz r24 r28 r9     // delay=1\n"
                "      r9       = fadd.ftz r24 r9         // delay=1\n"
                "                 bra pT L0               // delay=1\n"
                "} -> [1]\n",
                NVIDIA, (struct inner_loop){2, 4, 1, 1, 9, 0, 0});
}

static void malis_branches_count_instructions(void **state)
{
    (void)state;
    assert_loop("   FMA.f32 r17, r30, r34, r17^\n"
                "   BRANCHZ.reconverge r23^.h0, offset:5\n"
                "\n"
                "   LD_PKA.i128.unsigned.slot0 @r8:r9:r10:r11, r5^, r7\n"
                "   MOV.i32 r5, r12\n"
                "   FMA.f32 r17, r30, r34, r17^\n"
                "   IADD.s32 r2, r59^, u1.w0\n"
                "   BRANCHZ.td r23^.h0, offset:-5\n"
                "\n"
                "   FMA.f32 r17, r30, r34, r17^\n",
                ARM, (struct inner_loop){1, 2, 1, 0, 5, 0, 0});
}

static void adrenos_loop_is_counted_with_its_repetitions(void **state)
{
    (void)state;
    assert_loop("shps #l8\n"
                "l55:\n"
                "br p0.x, #l308\n"
                "(sy)(ss)isam.base0 (u32)(xyzw)r9.w, r9.y, s#0, t#3\n"
                "ldc.offset0.4.mode0 r12.x, r3.w, 0\n"
                "(rpt2)nop\n"
                "(sy)(nop1) mad.f32 r2.y, r2.y, r2.z, r3.x\n"
                "(rpt3)mad.f32 r1.x, (r)r2.x, r6.x, (r)r1.x\n"
                "(rpt1)add.f r2.y, (r)r2.y, r2.z\n"
                "jump #l55\n"
                "l308:\n"
                "mad.f32 r2.y, r2.y, r2.z, r3.x\n"
                "end\n",
                QUALCOMM, (struct inner_loop){5, 7, 1, 1, 14, 0, 0});
}

/* One a line in the loop of multiplications, however many multiply-adds another loop has. */
static void multiplications_of_matrices_come_before_multiply_adds(void **state)
{
    (void)state;
    assert_loop("BB1:\n"
                "\tds_load_b128 v[32:35], v98 ;\n"
                "\tv_wmma_f32_16x16x16_f16 v[56:63], v[88:95], v[104:111], v[56:63] ;\n"
                "\tv_pk_fma_f16 v1, v2, v3, v4 ;\n"
                "\ts_cbranch_scc1 BB1 ;\n"
                "BB2:\n"
                "\tv_fma_f32 v1, v2, v3, v4 ;\n"
                "\tv_fma_f32 v1, v2, v3, v4 ;\n"
                "\tv_fma_f32 v1, v2, v3, v4 ;\n"
                "\ts_cbranch_scc1 BB2 ;\n",
                AMD, (struct inner_loop){1, 2, 1, 0, 4, 1, 1});
    assert_loop("block.u 1 L0 [0, 1] -> {\n"
                "      r72..76  = ldsm.16.m8n8.x4 [r59+0x920]  // delay=1\n"
                "      r80..84  = hmma.m16n8k16.f32 r12..16 r66..68 r80..84 // delay=1\n"
                "      r0..4    = hmma.m16n8k16.f32 r12..16 r74..76 r0..4   // delay=1\n"
                "                 bra pT L0               // delay=1\n"
                "} -> [1, 2]\n",
                NVIDIA, (struct inner_loop){2, 2, 1, 0, 4, 0, 2});
}

static void the_innermost_loop_with_the_most_multiply_adds_is_taken(void **state)
{
    (void)state;
    assert_loop("BB1:\n"
                "\tv_fma_f32 v1, v2, v3, v4 ;\n"
                "BB2:\n"
                "\tv_fma_f32 v1, v2, v3, v4 ;\n"
                "\ts_cbranch_scc0 BB2 ;\n"
                "BB3:\n"
                "\tv_fma_f32 v1, v2, v3, v4 ;\n"
                "\tv_fma_f32 v1, v2, v3, v4 ;\n"
                "\ts_cbranch_scc0 BB3 ;\n"
                "\ts_branch BB1 ;\n",
                AMD, (struct inner_loop){2, 2, 0, 0, 3, 0, 0});
}

static void two_products_an_instruction_count_twice_and_sums_that_mix_precisions_not_at_all(void **state)
{
    (void)state;
    assert_loop("BB1:\n"
                "\tv_pk_mul_f16 v1, v2, v3 ;\n"
                "\tv_pk_fma_f16 v1, v2, s24, v1 op_sel_hi:[0,1,1] ;\n"
                "\tv_fma_mix_f32 v4, 1.0, v4, v1 op_sel_hi:[0,0,1] ;\n"
                "\ts_cbranch_scc0 BB1 ;\n",
                AMD, (struct inner_loop){4, 3, 0, 0, 4, 2, 0});
}

static void code_without_a_loop_has_none(void **state)
{
    (void)state;
    struct inner_loop loop;
    assert_false(read_inner_loop("BB0:\n\ts_cbranch_scc1 BB5 ;\n\tv_fma_f32 v1, v2, v3, v4 ;\nBB5:\n", AMD, &loop));
    assert_false(read_inner_loop("", INTEL, &loop));
    assert_false(read_inner_loop(NULL, QUALCOMM, &loop));
    assert_false(read_inner_loop("block 0 L1 [] -> {\n  r1 = ffma r2 r3 r4 //\n} -> []\n", NVIDIA, &loop));
    assert_false(read_inner_loop("   BRANCHZ r1, offset:-9\n", ARM, &loop));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(amds_loop_is_counted),
        cmocka_unit_test(intels_loop_is_counted),
        cmocka_unit_test(intels_loop_is_counted_as_newer_drivers_print_it),
        cmocka_unit_test(nvidias_loop_is_followed_from_block_to_block),
        cmocka_unit_test(malis_branches_count_instructions),
        cmocka_unit_test(adrenos_loop_is_counted_with_its_repetitions),
        cmocka_unit_test(multiplications_of_matrices_come_before_multiply_adds),
        cmocka_unit_test(the_innermost_loop_with_the_most_multiply_adds_is_taken),
        cmocka_unit_test(two_products_an_instruction_count_twice_and_sums_that_mix_precisions_not_at_all),
        cmocka_unit_test(code_without_a_loop_has_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
