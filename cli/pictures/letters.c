/* See letters.h. What is drawn once is kept, because a picture of many boxes repeats a few names. */
#include "letters.h"

#include <stdlib.h>
#include <string.h>

#ifdef GVK_FONTS

#include <fontconfig/fontconfig.h>
#include <ft2build.h>
#include FT_FREETYPE_H
#include FT_TRUETYPE_TABLES_H

#define FACES_MAX       32   /* fonts that are open at once */
#define GLYPHS_MAX      2048 /* kept; a power of two */
#define USUAL_CAP_PARTS 0.72 /* of the em, where a font does not say how high its capitals are */

/* A drawn character. */
struct glyph {
    uint32_t code; /* 0: this place is free */
    int advance, left, top, width, height;
    uint8_t *coverage; /* NULL where there is nothing to see */
};

struct letters {
    bool is_looked_for;
    FcConfig *config;
    FcFontSet *fonts; /* in the order of preference */
    FT_Library library;
    FT_Face faces[FACES_MAX];
    int font_of_face[FACES_MAX]; /* index into `fonts` */
    int face_count;
    int cap_height;
    FT_UInt em_pixels;
    struct glyph glyphs[GLYPHS_MAX];
    unsigned glyph_count;
};

struct letters *letters_create(void)
{
    return calloc(1, sizeof(struct letters));
}

static void forget_glyphs(struct letters *letters)
{
    for (size_t index = 0; index < GLYPHS_MAX; index++)
        free(letters->glyphs[index].coverage);
    memset(letters->glyphs, 0, sizeof letters->glyphs);
    letters->glyph_count = 0;
}

void letters_destroy(struct letters *letters)
{
    if (!letters)
        return;
    forget_glyphs(letters);
    for (int face = 0; face < letters->face_count; face++)
        FT_Done_Face(letters->faces[face]);
    if (letters->library)
        FT_Done_FreeType(letters->library);
    if (letters->fonts)
        FcFontSetDestroy(letters->fonts);
    if (letters->config)
        FcConfigDestroy(letters->config);
    free(letters);
}

/* ---- fonts ------------------------------------------------------------------------------------------------------- */

static void look_for_fonts(struct letters *letters)
{
    FcResult result;
    letters->is_looked_for = true;
    if (FT_Init_FreeType(&letters->library) != 0) {
        letters->library = NULL;
        return;
    }
    letters->config = FcInitLoadConfigAndFonts();
    FcPattern *wanted = letters->config ? FcPatternCreate() : NULL;
    if (!wanted)
        return;
    FcPatternAddString(wanted, FC_FAMILY, (const FcChar8 *)"sans");
    FcPatternAddInteger(wanted, FC_WEIGHT, FC_WEIGHT_MEDIUM);
    FcConfigSubstitute(letters->config, wanted, FcMatchPattern);
    FcDefaultSubstitute(wanted);
    letters->fonts = FcFontSort(letters->config, wanted, FcTrue, NULL, &result);
    FcPatternDestroy(wanted);
}

/* Pictures of a fixed size, as emoji are, cannot be drawn at any height. */
static bool can_draw(FcPattern *font, uint32_t code)
{
    FcCharSet *has = NULL;
    FcBool is_outline = FcFalse;
    return FcPatternGetBool(font, FC_OUTLINE, 0, &is_outline) == FcResultMatch && is_outline &&
           FcPatternGetCharSet(font, FC_CHARSET, 0, &has) == FcResultMatch && FcCharSetHasChar(has, code);
}

/* The face of a font, opened when it is needed first; NULL when it cannot be. */
static FT_Face open_face(struct letters *letters, int font)
{
    FcChar8 *path = NULL;
    int number = 0;
    FT_Face face = NULL;
    for (int index = 0; index < letters->face_count; index++)
        if (letters->font_of_face[index] == font)
            return letters->faces[index];
    if (letters->face_count == FACES_MAX ||
        FcPatternGetString(letters->fonts->fonts[font], FC_FILE, 0, &path) != FcResultMatch)
        return NULL;
    FcPatternGetInteger(letters->fonts->fonts[font], FC_INDEX, 0, &number);
    if (FT_New_Face(letters->library, (const char *)path, number, &face) != 0)
        return NULL;
    letters->faces[letters->face_count] = face;
    letters->font_of_face[letters->face_count++] = font;
    return face;
}

/* The first font that has the character and can be opened; else the first that can be opened, for its sign of what is
 * missing. */
static FT_Face find_face(struct letters *letters, uint32_t code)
{
    FT_Face any = NULL;
    for (int font = 0; font < letters->fonts->nfont; font++) {
        bool has_code = can_draw(letters->fonts->fonts[font], code);
        if (!has_code && any)
            continue;
        if (!has_code && !can_draw(letters->fonts->fonts[font], 'H'))
            continue;
        FT_Face face = open_face(letters, font);
        if (face && has_code)
            return face;
        any = any ? any : face;
    }
    return any;
}

bool letters_start(struct letters *letters, int cap_height)
{
    if (!letters)
        return false;
    if (!letters->is_looked_for)
        look_for_fonts(letters);
    if (!letters->fonts || letters->fonts->nfont == 0)
        return false;
    if (letters->cap_height == cap_height)
        return letters->em_pixels != 0;
    forget_glyphs(letters);
    letters->cap_height = cap_height;
    letters->em_pixels = 0;
    FT_Face face = find_face(letters, 'H');
    if (!face)
        return false;
    const TT_OS2 *table = FT_Get_Sfnt_Table(face, FT_SFNT_OS2);
    double part = USUAL_CAP_PARTS;
    if (table && table->version >= 2 && table->version != 0xFFFF && table->sCapHeight > 0 && face->units_per_EM)
        part = (double)table->sCapHeight / face->units_per_EM;
    if (part < 0.4 || part > 1.2)
        part = USUAL_CAP_PARTS;
    letters->em_pixels = (FT_UInt)(cap_height / part + 0.5);
    return letters->em_pixels != 0;
}

/* ---- glyphs ------------------------------------------------------------------------------------------------------ */

static void keep_bitmap(const FT_Bitmap *bitmap, struct glyph *out)
{
    if (bitmap->pixel_mode != FT_PIXEL_MODE_GRAY || bitmap->rows == 0 || bitmap->width == 0 || bitmap->pitch < 0)
        return;
    out->coverage = malloc((size_t)bitmap->rows * bitmap->width);
    if (!out->coverage)
        return;
    out->width = (int)bitmap->width;
    out->height = (int)bitmap->rows;
    for (size_t y = 0; y < bitmap->rows; y++)
        memcpy(out->coverage + y * bitmap->width, bitmap->buffer + y * (size_t)bitmap->pitch, bitmap->width);
}

static void draw_glyph(struct letters *letters, uint32_t code, struct glyph *out)
{
    *out = (struct glyph){.code = code};
    FT_Face face = find_face(letters, code);
    if (!face || FT_Set_Pixel_Sizes(face, 0, letters->em_pixels) != 0)
        return;
    if (FT_Load_Glyph(face, FT_Get_Char_Index(face, code), FT_LOAD_TARGET_LIGHT | FT_LOAD_NO_BITMAP) != 0 ||
        FT_Render_Glyph(face->glyph, FT_RENDER_MODE_NORMAL) != 0)
        return;
    FT_GlyphSlot slot = face->glyph;
    out->advance = (int)((slot->advance.x + 32) >> 6);
    out->left = slot->bitmap_left;
    out->top = slot->bitmap_top;
    keep_bitmap(&slot->bitmap, out);
}

static const struct glyph *find_glyph(struct letters *letters, uint32_t code)
{
    if (code == 0)
        code = 0xFFFD;
    if (letters->glyph_count > GLYPHS_MAX / 2)
        forget_glyphs(letters);
    size_t place = (code * 2654435761u) % GLYPHS_MAX;
    while (letters->glyphs[place].code && letters->glyphs[place].code != code)
        place = (place + 1) % GLYPHS_MAX;
    struct glyph *glyph = &letters->glyphs[place];
    if (!glyph->code) {
        draw_glyph(letters, code, glyph);
        letters->glyph_count++;
    }
    return glyph;
}

int letters_measure(struct letters *letters, const char *text)
{
    int width = 0, end = 0;
    while (*text) {
        uint32_t code;
        text += font_decode_character(text, &code);
        const struct glyph *glyph = find_glyph(letters, code);
        int right = width + glyph->left + glyph->width;
        width += glyph->advance;
        end = right > end ? right : end;
    }
    return width > end ? width : end;
}

void letters_draw(struct letters *letters, const char *text, int left, int baseline, struct font_mask *mask)
{
    while (*text) {
        uint32_t code;
        text += font_decode_character(text, &code);
        const struct glyph *glyph = find_glyph(letters, code);
        int top = baseline + 1 - glyph->top; /* the baseline's pixels are the lowest of letters that stand on it */
        for (int y = 0; glyph->coverage && y < glyph->height; y++) {
            for (int x = 0; x < glyph->width; x++) {
                int to_x = left + glyph->left + x, to_y = top + y;
                if (to_x < 0 || to_y < 0 || to_x >= mask->width || to_y >= mask->height)
                    continue;
                uint8_t *pixel = &mask->coverage[(size_t)to_y * (size_t)mask->width + (size_t)to_x];
                uint8_t value = glyph->coverage[(size_t)y * (size_t)glyph->width + (size_t)x];
                if (value > *pixel)
                    *pixel = value;
            }
        }
        left += glyph->advance;
    }
}

#else

struct letters *letters_create(void)
{
    return NULL;
}

void letters_destroy(struct letters *letters)
{
    (void)letters;
}

bool letters_start(struct letters *letters, int cap_height)
{
    (void)letters;
    (void)cap_height;
    return false;
}

int letters_measure(struct letters *letters, const char *text)
{
    (void)letters;
    (void)text;
    return 0;
}

void letters_draw(struct letters *letters, const char *text, int left, int baseline, struct font_mask *mask)
{
    (void)letters;
    (void)text;
    (void)left;
    (void)baseline;
    (void)mask;
}

#endif
