"""The pictures of make_images.py in formats other than JPEG and PNG: TIFF, WebP and BMP, some by Pillow, and by hand what
Pillow does not write."""
import io
import struct
import zlib

from PIL import Image

WIDTH, HEIGHT = 37, 29


def saved(image, kind, **options):
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def loaded(content):
    """Pillow turns a TIFF upright when it loads it, and exif_transpose would do so again."""
    image = Image.open(io.BytesIO(content))
    image.load()
    return image.convert("RGB").tobytes(), image.size


def packed_rows(samples, width, bits, align):
    rows = []
    for top in range(0, len(samples), width):
        row = "".join(format(sample, "0%db" % bits) for sample in samples[top : top + width])
        row += "0" * (-len(row) % align)
        rows.append(bytes(int(row[at : at + 8], 2) for at in range(0, len(row), 8)))
    return rows


# TIFF


def tiff(pieces, bits, samples, photometric, end="<", size=(WIDTH, HEIGHT), rows=HEIGHT, tile=None, **more):
    """One directory; `pieces` are its strips or tiles."""
    tags = {256: [size[0]], 257: [size[1]], 258: [bits] * samples, 259: [more.get("compression", 1)],
            262: [photometric], 277: [samples], 284: [more.get("planar", 1)]}
    if tile:
        tags.update({322: [tile[0]], 323: [tile[1]], 324: pieces, 325: [len(piece) for piece in pieces]})
    else:
        tags.update({278: [rows], 273: pieces, 279: [len(piece) for piece in pieces]})
    tags.update({tag: more[name] for name, tag in (("map", 320), ("extra", 338), ("kind", 254)) if name in more})
    wide = {273, 279, 324, 325}
    behind = 8 + 2 + 12 * len(tags) + 4
    lengths = {tag: len(values) * (4 if tag in wide else 2) for tag, values in tags.items()}
    places, at = {}, behind
    for tag in sorted(tags):
        if lengths[tag] > 4:
            places[tag] = at
            at += (lengths[tag] + 1) // 2 * 2
    starts = [at + sum(len(piece) for piece in pieces[:index]) for index in range(len(pieces))]
    entries, outside = b"", b""
    for tag in sorted(tags):
        values = starts if tag in (273, 324) else tags[tag]
        raw = struct.pack(end + ("L" if tag in wide else "H") * len(values), *values)
        entries += struct.pack(end + "HHL", tag, 4 if tag in wide else 3, len(values))
        entries += struct.pack(end + "L", places[tag]) if tag in places else raw.ljust(4, b"\0")
        outside += raw + b"\0" * (len(raw) % 2) if tag in places else b""
    order = b"II" if end == "<" else b"MM"
    return (order + struct.pack(end + "HL", 42, 8) + struct.pack(end + "H", len(tags)) + entries
            + struct.pack(end + "L", 0) + outside + b"".join(pieces))


def make_tiffs(keep, picture, noise):
    def keep_tiff(name, content, rgb=None):
        keep("tiff-%s.tif" % name, content, *(loaded(content) if rgb is None else (rgb, (WIDTH, HEIGHT))))

    rgb = picture()
    colour = Image.frombytes("RGB", (WIDTH, HEIGHT), rgb)
    grey = Image.frombytes("L", (WIDTH, HEIGHT), picture(channels=1))
    keep_tiff("rgb", saved(colour, "TIFF"))
    keep_tiff("rgb-lzw", saved(colour, "TIFF", compression="tiff_lzw"))
    keep_tiff("rgb-jpeg", saved(colour, "TIFF", compression="jpeg"))
    keep_tiff("rgba-deflate", saved(Image.frombytes("RGBA", (WIDTH, HEIGHT), picture(channels=4)), "TIFF",
                                    compression="tiff_adobe_deflate"))
    keep_tiff("palette", saved(colour.quantize(40), "TIFF", compression="packbits"))
    keep_tiff("fax", saved(grey.convert("1"), "TIFF", compression="group4"))
    keep_tiff("cmyk", saved(colour.convert("CMYK"), "TIFF", compression="tiff_lzw"))
    for orientation in range(1, 9):
        keep_tiff("exif-%d" % orientation, saved(colour, "TIFF", compression="tiff_lzw", tiffinfo={274: orientation}))
    grain = noise(5)
    for end, name in (("<", "little"), (">", "big")):
        wide = [next(grain) << 8 | next(grain) for _ in range(WIDTH * HEIGHT * 4)]
        deep = struct.pack(end + "%dH" % (WIDTH * HEIGHT * 3), *wide[: WIDTH * HEIGHT * 3])
        keep_tiff("rgb-16-" + name, tiff([deep], 16, 3, 2, end))
        high = b"".join(bytes([sample >> 8]) * 3 for sample in wide[: WIDTH * HEIGHT])
        keep_tiff("grey-16-" + name, tiff([struct.pack(end + "%dH" % (WIDTH * HEIGHT), *wide[: WIDTH * HEIGHT])], 16, 1,
                                          1, end), high)
        for alpha in (1, 2):
            keep_tiff("rgba-alpha-%d-%s" % (alpha, name), tiff([picture(channels=4)], 8, 4, 2, end, extra=[alpha]))
        for bits in (1, 2, 4, 8):
            samples = [next(grain) >> (8 - bits) for _ in range(WIDTH * HEIGHT)]
            rows = packed_rows(samples, WIDTH, bits, 8)
            strips = [b"".join(rows[top : top + 8]) for top in range(0, HEIGHT, 8)]
            colours = [next(grain) << 8 | next(grain) for _ in range(3 << bits)]
            keep_tiff("white-%d-%s" % (bits, name), tiff(strips, bits, 1, 0, end, rows=8))
            keep_tiff("palette-%d-%s" % (bits, name), tiff(strips, bits, 1, 3, end, rows=8, map=colours))
    planes = [zlib.compress(rgb[channel::3]) for channel in range(3)]
    keep_tiff("planes", tiff(planes, 8, 3, 2, planar=2, compression=8), rgb)

    def tiles(channels):
        for top in range(0, HEIGHT, 16):
            for left in range(0, WIDTH, 16):
                tile = b""
                for y in range(top, top + 16):
                    row = rgb[3 * (WIDTH * y + left) : 3 * WIDTH * (y + 1)][: 3 * 16] if y < HEIGHT else b""
                    tile += row.ljust(3 * 16, b"\0") if channels is None else row[channels::3].ljust(16, b"\0")
                yield zlib.compress(tile)

    keep_tiff("tiles", tiff(list(tiles(None)), 8, 3, 2, tile=(16, 16), compression=8), rgb)
    keep_tiff("tiles-planes", tiff([tile for channel in range(3) for tile in tiles(channel)], 8, 3, 2, tile=(16, 16),
                                   planar=2, compression=8), rgb)
    whole = tiff([rgb], 8, 3, 2)
    keep("hostile-cut.tif", whole[:-50], readable=False)
    keep("hostile-huge.tif", tiff([zlib.compress(bytes(5000))], 8, 3, 2, size=(65535, 65535), rows=65535, compression=8),
         readable=False)
    keep("hostile-short.tif", tiff([zlib.compress(rgb[:1000])], 8, 3, 2, compression=8), readable=False)
    keep("hostile-tile.tif", tiff([zlib.compress(bytes(5000))], 8, 3, 2, size=(900, 900), tile=(65520, 65520),
                                  compression=8), readable=False)
    keep("hostile-preview.tif", tiff([rgb], 8, 3, 2, kind=[1]), readable=False)  # as in cameras' raw files
    keep("hostile-float.tif", saved(grey.convert("F"), "TIFF"), readable=False)


# WebP


def make_webps(keep, picture):
    colour = Image.frombytes("RGB", (WIDTH, HEIGHT), picture())
    clear = Image.frombytes("RGBA", (WIDTH, HEIGHT), picture(channels=4))
    other = colour.transpose(Image.Transpose.ROTATE_180)
    keep("webp-lossy.webp", saved(colour, "WEBP", quality=70))
    keep("webp-lossless.webp", saved(colour, "WEBP", lossless=True))
    keep("webp-clear.webp", saved(clear, "WEBP", quality=60))
    keep("webp-clear-lossless.webp", saved(clear, "WEBP", lossless=True, exact=True))
    keep("webp-animated.webp", saved(colour, "WEBP", save_all=True, append_images=[other], lossless=True))
    exif = Image.Exif()
    for orientation in (3, 6):
        exif[0x0112] = orientation
        keep("webp-exif-%d.webp" % orientation, saved(colour, "WEBP", quality=70, exif=exif))
    whole = saved(colour, "WEBP", quality=70)
    keep("hostile-cut.webp", whole[:-40], readable=False)
    flat = saved(Image.new("RGB", (16383, 16383), (10, 200, 90)), "WEBP", lossless=True, method=0, quality=0)
    keep("hostile-flat.webp", flat, readable=False)


# BMP


def bmp(bits, data, header=40, compression=0, colours=b"", masks=b"", from_above=False, used=0):
    if header == 12:
        head = struct.pack("<LHHHH", 12, WIDTH, HEIGHT, 1, bits)
    else:
        head = struct.pack("<LllHHLLllLL", header, WIDTH, -HEIGHT if from_above else HEIGHT, 1, bits, compression,
                           len(data), 2835, 2835, used, 0)
        head += masks if header == 40 else masks.ljust(header - 40, b"\0")
    start = 14 + len(head) + len(colours)
    return b"BM" + struct.pack("<LHHL", start + len(data), 0, 0, start) + head + colours + data


def make_bmps(keep, picture, noise):
    colour = Image.frombytes("RGB", (WIDTH, HEIGHT), picture())
    grain = noise(9)
    keep("bmp-rgb.bmp", saved(colour, "BMP"))
    keep("bmp-grey.bmp", saved(colour.convert("L"), "BMP"))
    keep("bmp-rgba.bmp", saved(Image.frombytes("RGBA", (WIDTH, HEIGHT), picture(channels=4)), "BMP"))
    for bits in (1, 4, 8):
        data = b"".join(packed_rows([next(grain) >> (8 - bits) for _ in range(WIDTH * HEIGHT)], WIDTH, bits, 32))
        colours = bytes(next(grain) for _ in range(4 << bits))
        keep("bmp-palette-%d.bmp" % bits, bmp(bits, data, colours=colours))
        keep("bmp-above-%d.bmp" % bits, bmp(bits, data, colours=colours, from_above=True))
        keep("bmp-core-%d.bmp" % bits, bmp(bits, data, header=12, colours=colours[: 3 << bits]))
    keep("bmp-without-padding.bmp", bmp(8, data[:-3], colours=colours))  # behind the last row
    short = b"".join(packed_rows([next(grain) % 5 for _ in range(WIDTH * HEIGHT)], WIDTH, 4, 32))
    keep("bmp-palette-short.bmp", bmp(4, short, colours=bytes(range(100, 120)), used=5))
    pairs = b"".join(bytes(next(grain) for _ in range(2 * WIDTH)) + b"\0" * (2 * WIDTH % 4) for _ in range(HEIGHT))
    keep("bmp-555.bmp", bmp(16, pairs))
    keep("bmp-565.bmp", bmp(16, pairs, compression=3, masks=struct.pack("<LLL", 0xF800, 0x7E0, 0x1F)))
    words = bytes(next(grain) for _ in range(4 * WIDTH * HEIGHT))
    keep("bmp-32.bmp", bmp(32, words))
    keep("bmp-32-masks.bmp", bmp(32, words, 124, 3, masks=struct.pack("<LLLL", 255, 255 << 8, 255 << 16, 255 << 24)))
    colours = bytes(next(grain) for _ in range(1024))
    for bits in (4, 8):
        runs = b""
        for _ in range(HEIGHT):
            x = 0
            while x < WIDTH:
                count = min(WIDTH - x, 1 + next(grain) % 8)
                if count in (4, 8):
                    size = count * bits // 8
                    runs += bytes([0, count]) + bytes(next(grain) for _ in range(size)) + b"\0" * (size % 2)
                else:
                    runs += bytes([count, next(grain)])
                x += count
            runs += b"\0\0"
        keep("bmp-runs-%d.bmp" % bits, bmp(bits, runs + b"\0\1", compression=3 - bits // 4 if bits == 4 else 1,
                                           colours=colours[: 4 << bits]))
    keep("hostile-cut.bmp", saved(colour, "BMP")[:-30], readable=False)
    wide = bytearray(saved(colour, "BMP"))
    wide[18:26] = struct.pack("<LL", 60000, 60000)
    keep("hostile-60000.bmp", bytes(wide), readable=False)


def make_all(keep, picture, noise):
    make_tiffs(keep, picture, noise)
    make_webps(keep, picture)
    make_bmps(keep, picture, noise)
