// The loops in which a lane stores its sums, STORE_LOOP 1 and 2 (pointwise.comp says for whom), in the middle of a shader's
// main: STORE_SUM(j, p, value) stores that of output quad j and pixel p.
#if STORE_LOOP == 1
    [[dont_unroll]] for (uint n = 0; n < QUADS * PIXELS; n++)
        STORE_SUM(n / PIXELS, n % PIXELS, sum[n])
#elif STORE_LOOP == 2
    [[dont_unroll]] for (uint j = 0; j < QUADS; j++) {
        [[unroll]] for (uint p = 0; p < PIXELS; p++)
            STORE_SUM(j, p, sum[p])
        [[unroll]] for (uint n = 0; n < (QUADS - 1) * PIXELS; n++)
            sum[n] = sum[n + PIXELS];
    }
#endif
