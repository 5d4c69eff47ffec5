#!/usr/bin/python3
"""Makes the pictures that the tests of pictures read (those of make_formats.py too), and expected.txt with what it must find in them.

Run it in any folder with Debian's python3-pil; the files land beside this script. Each line of expected.txt is
    FILE WIDTH HEIGHT FNV1A64-OF-THE-RGB-BYTES
as Pillow converts the file: ImageOps.exif_transpose, then convert("RGB"). The exceptions are 16-bit grey, whose high
byte is taken, and TIFF, which Pillow turns when it loads it. Files named hostile-* must be refused (or, where expected.txt lists them, be read without harm).
"""
import io
import os
import struct
import zlib

from PIL import Image, ImageOps

import make_formats

FOLDER = os.path.dirname(os.path.abspath(__file__))
WIDTH, HEIGHT = 37, 29
expected = []


def noise(seed):
    """An endless row of bytes, the same on every machine."""
    state = seed
    while True:
        state = (state * 1103515245 + 12345) & 0x7FFFFFFF
        yield state >> 16 & 255


def picture(width=WIDTH, height=HEIGHT, channels=3):
    """Slopes and an edge with a little noise: chroma that changes, so that wrong upsampling shows."""
    grain = noise(7)
    data = bytearray()
    for y in range(height):
        for x in range(width):
            for channel in range(channels):
                slope = (x * (5 + channel) + y * (3 + 2 * channel)) % 256
                edge = 90 if (x > width // 2) ^ (y > height // 3) else 0
                data.append((slope + edge + next(grain) // 16) % 256)
    return bytes(data)


def fnv(data):
    value = 0xCBF29CE484222325
    for byte in data:
        value = (value ^ byte) * 0x100000001B3 & 0xFFFFFFFFFFFFFFFF
    return value


def keep(name, content, rgb=None, size=None, readable=True):
    with open(os.path.join(FOLDER, name), "wb") as file:
        file.write(content)
    if not readable:
        return
    if rgb is None:
        image = ImageOps.exif_transpose(Image.open(io.BytesIO(content))).convert("RGB")
        rgb, size = image.tobytes(), image.size
    expected.append("%s %d %d %016x" % (name, size[0], size[1], fnv(rgb)))


# JPEG


def jpeg(image, **options):
    file = io.BytesIO()
    image.save(file, "JPEG", **options)
    return file.getvalue()


def segment(marker, data):
    return bytes([0xFF, marker]) + struct.pack(">H", len(data) + 2) + data


def tiff(order, orientation, kind=3):
    """A TIFF structure with a make tag in front of the orientation, as cameras write it."""
    end = ">" if order == b"MM" else "<"
    value = struct.pack(end + ("HH" if kind == 3 else "L"), *([orientation, 0] if kind == 3 else [orientation]))
    entries = struct.pack(end + "HHL4s", 0x010F, 2, 4, b"cam\0") + struct.pack(end + "HHL", 0x0112, kind, 1) + value
    return order + struct.pack(end + "HL", 42, 8) + struct.pack(end + "H", 2) + entries + struct.pack(end + "L", 0)


def make_jpegs():
    colour = Image.frombytes("RGB", (WIDTH, HEIGHT), picture())
    baseline = jpeg(colour, quality=90, subsampling=0)
    keep("jpeg-444.jpg", baseline)
    keep("jpeg-422.jpg", jpeg(colour, quality=85, subsampling=1))
    keep("jpeg-420.jpg", jpeg(colour, quality=85, subsampling=2))
    keep("jpeg-420-low.jpg", jpeg(colour, quality=20, subsampling=2))
    keep("jpeg-progressive.jpg", jpeg(colour, quality=85, subsampling=2, progressive=True))
    grey = Image.frombytes("L", (WIDTH, HEIGHT), picture(channels=1))
    keep("jpeg-grey.jpg", jpeg(grey, quality=85))
    keep("jpeg-grey-progressive.jpg", jpeg(grey, quality=85, progressive=True))
    keep("jpeg-one-pixel.jpg", jpeg(colour.crop((3, 3, 4, 4)), quality=85))
    inks = jpeg(Image.frombytes("CMYK", (WIDTH, HEIGHT), picture(channels=4)), quality=85)
    keep("jpeg-cmyk.jpg", inks)
    keep("jpeg-cmyk-progressive.jpg",
         jpeg(Image.frombytes("CMYK", (WIDTH, HEIGHT), picture(channels=4)), quality=85, progressive=True))
    adobe = inks.index(b"Adobe")
    keep("jpeg-ycck.jpg", inks[: adobe + 11] + b"\2" + inks[adobe + 12 :])
    keep("jpeg-cmyk-without-adobe.jpg", inks[: adobe - 4] + inks[adobe + 12 :])
    app0 = 4 + struct.unpack(">H", baseline[4:6])[0]
    keep("jpeg-rgb.jpg", baseline[:2] + segment(0xEE, b"Adobe\0d\0\0\0\0\0") + baseline[app0:])

    small = Image.frombytes("RGB", (16, 11), picture(16, 11))
    plain = jpeg(small, quality=85, subsampling=2)
    for orientation in range(1, 9):
        exif = segment(0xE1, b"Exif\0\0" + tiff(b"MM" if orientation % 2 else b"II", orientation))
        keep("exif-%d.jpg" % orientation, plain[:2] + exif + plain[2:])
    long_value = segment(0xE1, b"Exif\0\0" + tiff(b"II", 6, kind=4))
    keep("exif-long.jpg", plain[:2] + long_value + plain[2:])
    keep("exif-9.jpg", plain[:2] + segment(0xE1, b"Exif\0\0" + tiff(b"II", 9)) + plain[2:])
    frame = plain.index(b"\xFF\xC0") + 5
    keep("hostile-65535.jpg", plain[:frame] + b"\xFF\xFF\xFF\xFF" + plain[frame + 4 :], readable=False)
    keep("hostile-9999.jpg", plain[:frame] + struct.pack(">HH", 9999, 9999) + plain[frame + 4 :], readable=False)
    keep("hostile-zero.jpg", plain[:frame] + struct.pack(">HH", 0, 0) + plain[frame + 4 :], readable=False)


# PNG

SIGNATURE = b"\x89PNG\r\n\x1a\n"
CHANNELS = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}
ADAM7 = [(0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2)]


def chunk(kind, data):
    return struct.pack(">L", len(data)) + kind + data + struct.pack(">L", zlib.crc32(kind + data))


def pack_row(samples, depth):
    if depth == 16:
        return b"".join(struct.pack(">H", sample) for sample in samples)
    bits = "".join(format(sample, "0%db" % depth) for sample in samples)
    bits += "0" * (-len(bits) % 8)
    return bytes(int(bits[at : at + 8], 2) for at in range(0, len(bits), 8))


def header(width, height, depth, colour, interlaced=0):
    return chunk(b"IHDR", struct.pack(">LLBBBBB", width, height, depth, colour, 0, 0, interlaced))


def samples_of(depth, colour, colours=None):
    grain = noise(11)
    wide = ((next(grain) << 8 | next(grain)) for _ in range(WIDTH * HEIGHT * CHANNELS[colour]))
    return [value % colours if colours else value >> (16 - depth) for value in wide]


def png(depth, colour, samples, extra=b"", late=b"", interlaced=False):
    channels = CHANNELS[colour]
    raw = b""
    for left, top, step_x, step_y in ADAM7 if interlaced else [(0, 0, 1, 1)]:
        for y in range(top, HEIGHT, step_y):
            row = []
            for x in range(left, WIDTH, step_x):
                at = (y * WIDTH + x) * channels
                row += samples[at : at + channels]
            if row:
                raw += b"\0" + pack_row(row, depth)
    return (SIGNATURE + header(WIDTH, HEIGHT, depth, colour, int(interlaced)) + extra
            + chunk(b"IDAT", zlib.compress(raw, 9)) + late + chunk(b"IEND", b""))


def make_pngs():
    for depth in (1, 2, 4, 8):
        grey = samples_of(depth, 0)
        keep("png-grey-%d.png" % depth, png(depth, 0, grey))
        keep("png-grey-%d-interlaced.png" % depth, png(depth, 0, grey, interlaced=True))
        colours = min(2**depth, 60)
        grain = noise(depth)
        palette = chunk(b"PLTE", bytes(next(grain) for _ in range(3 * colours)))
        indices = samples_of(depth, 3, colours)
        keep("png-palette-%d.png" % depth, png(depth, 3, indices, palette))
        keep("png-palette-%d-interlaced.png" % depth, png(depth, 3, indices, palette, interlaced=True))
        clear = chunk(b"tRNS", bytes([0, 128][: min(colours, 2)]))
        keep("png-palette-%d-clear.png" % depth, png(depth, 3, indices, palette + clear))
    short = chunk(b"PLTE", bytes(range(100, 112)))
    for depth in (4, 8):
        keep("png-palette-%d-short.png" % depth, png(depth, 3, samples_of(depth, 3), short))
    keep("hostile-no-palette.png", png(8, 3, samples_of(8, 3)), readable=False)

    rgb = samples_of(8, 2)
    keep("png-rgb.png", png(8, 2, rgb))
    keep("png-rgb-interlaced.png", png(8, 2, rgb, interlaced=True))
    keep("png-rgb-gamma.png", png(8, 2, rgb, chunk(b"gAMA", struct.pack(">L", 100000))))
    keep("png-rgb-clear.png", png(8, 2, rgb, chunk(b"tRNS", struct.pack(">HHH", *rgb[:3]))))
    keep("png-grey-clear.png", png(8, 0, samples_of(8, 0), chunk(b"tRNS", struct.pack(">H", 3))))
    keep("png-grey-alpha.png", png(8, 4, samples_of(8, 4)))
    keep("png-rgba.png", png(8, 6, samples_of(8, 6)))
    keep("png-rgba-interlaced.png", png(8, 6, samples_of(8, 6), interlaced=True))
    for colour, name in ((2, "rgb"), (4, "grey-alpha"), (6, "rgba")):
        keep("png-%s-16.png" % name, png(16, colour, samples_of(16, colour)))
    deep = samples_of(16, 0)
    high = b"".join(bytes([sample >> 8]) * 3 for sample in deep)
    keep("png-grey-16.png", png(16, 0, deep), high, (WIDTH, HEIGHT))
    keep("png-grey-16-interlaced.png", png(16, 0, deep, interlaced=True), high, (WIDTH, HEIGHT))

    keep("exif-6.png", png(8, 2, rgb, chunk(b"eXIf", tiff(b"MM", 6))))
    keep("exif-3-late.png", png(8, 2, rgb, late=chunk(b"eXIf", tiff(b"II", 3))))

    # Pillow refuses these; here the bombs are never unpacked, and the picture is the one around them.
    grey = samples_of(8, 0)
    around = b"".join(bytes([sample]) * 3 for sample in grey), (WIDTH, HEIGHT)
    bomb = zlib.compress(bytes(16 << 20), 9)
    keep("hostile-iccp.png", png(8, 0, grey, chunk(b"iCCP", b"bomb\0\0" + bomb)), *around)
    texts = b"".join(chunk(b"zTXt", b"bomb\0\0" + zlib.compress(bytes(1 << 20), 9)) for _ in range(8))
    keep("hostile-ztxt.png", png(8, 0, grey, texts), *around)
    end = chunk(b"IEND", b"")
    small = chunk(b"IDAT", zlib.compress(bytes(100)))
    keep("hostile-65535.png", SIGNATURE + header(65535, 65535, 8, 2) + small + end, readable=False)
    keep("hostile-9999.png", SIGNATURE + header(9999, 9999, 8, 2) + small + end, readable=False)
    keep("hostile-zero.png", SIGNATURE + header(0, 5, 8, 2) + small + end, readable=False)
    keep("hostile-wide.png", SIGNATURE + header(70000, 1, 8, 0) + small + end, readable=False)
    keep("hostile-short.png", SIGNATURE + header(20, 20, 8, 2) + small + end, readable=False)
    whole = png(8, 0, grey)
    at = whole.index(b"IDAT")
    keep("hostile-sum.png", whole[: at + 20] + bytes([whole[at + 20] ^ 1]) + whole[at + 21 :], readable=False)
    keep("hostile-no-pixels.png", SIGNATURE + header(20, 20, 8, 2) + end, readable=False)


# What stands beside the pixels


def flat_restarts():
    """Pillow writes no restarts, so this one is put together by hand: six grey blocks, a restart behind each, whose
    averages have codes of 2 bits (a difference of 2 to 3 bits follows) and whose detail ends at once."""
    codes = segment(0xC4, b"\0" + bytes([0, 2] + [0] * 14) + bytes([5, 6])) + segment(
        0xC4, b"\x10" + bytes([1] + [0] * 15) + b"\0")
    frame = segment(0xC0, struct.pack(">BHHB", 8, 16, 24, 1) + b"\1\x11\0")
    head = (b"\xFF\xD8" + segment(0xDB, b"\0" + b"\x10" * 64) + frame + codes + segment(0xDD, b"\0\1")
            + segment(0xDA, b"\1\1\0\0\x3F\0"))
    blocks = []
    for difference in (20, 27, 45, 18, 60, 33):
        size = difference.bit_length()
        bits = ("00" if size == 5 else "01") + format(difference, "b") + "0"
        bits += "1" * (-len(bits) % 8)
        blocks.append(bytes(int(bits[at : at + 8], 2) for at in range(0, len(bits), 8)))
    data = b"".join(block + bytes([0xFF, 0xD0 + index % 8]) for index, block in enumerate(blocks[:-1]))
    return head + data + blocks[-1] + b"\xFF\xD9"


def make_damaged_jpegs():
    """libjpeg warns of these, and the pixels are whole."""
    colour = Image.frombytes("RGB", (WIDTH, HEIGHT), picture())
    plain = jpeg(colour, quality=85, subsampling=2)
    progressive = jpeg(colour, quality=85, subsampling=2, progressive=True)
    for name, marker in (("tables", 0xDB), ("frame", 0xC0), ("codes", 0xC4), ("scan", 0xDA)):
        at = plain.index(bytes([0xFF, marker]))
        keep("jpeg-junk-before-%s.jpg" % name, plain[:at] + b"\0\x12\x34\0\0" + plain[at:])
    at = progressive.rindex(b"\xFF\xDA")
    keep("jpeg-junk-between-scans.jpg", progressive[:at] + bytes(7) + progressive[at:])
    keep("jpeg-junk-at-end.jpg", plain[:-2] + b"\x55" * 300 + plain[-2:])
    keep("jpeg-text-behind.jpg", plain + b"what a phone appends")
    scan = plain.index(b"\xFF\xDA") + 5 + 2 * 3
    for name, at, value in (("spectrum", 0, 5), ("end", 1, 0), ("refinement", 2, 0x10)):
        keep("jpeg-odd-scan-%s.jpg" % name, plain[: scan + at] + bytes([value]) + plain[scan + at + 1 :])
    frame = flat_restarts()
    keep("jpeg-restarts.jpg", frame)
    markers = [at for at in range(len(frame) - 1) if frame[at] == 0xFF and 0xD0 <= frame[at + 1] <= 0xD7]
    for at in reversed(markers):
        frame = frame[:at] + bytes(12) + frame[at:]
    keep("jpeg-zeros-before-restarts.jpg", frame)
    exif = segment(0xE1, b"Exif\0\0" + tiff(b"MM", 6)), segment(0xE1, b"Exif\0\0" + tiff(b"II", 3))
    at = plain.index(b"\xFF\xDB")
    keep("exif-behind-junk.jpg", plain[:at] + b"\0AB" + exif[0] + plain[at:])
    keep("exif-twice.jpg", plain[:2] + exif[0] + exif[1] + plain[2:])


def text(kind, key, value):
    between = {"tEXt": b"\0", "zTXt": b"\0\0", "iTXt": b"\0\0\0en\0key\0", "packed iTXt": b"\0\1\0en\0key\0"}[kind]
    packed = kind in ("zTXt", "packed iTXt")
    return chunk(kind[-4:].encode(), key + between + (zlib.compress(value) if packed else value))


def make_oriented_pngs():
    rgb = samples_of(8, 2)
    raw, xmp = b"Raw profile type exif", b"XML:com.adobe.xmp"

    def profile(orientation, prefix=b"Exif\0\0"):
        """As ImageMagick writes it."""
        block = (prefix + tiff(b"II", orientation)).hex()
        lines = "\n".join(block[at : at + 72] for at in range(0, len(block), 72))
        return ("\nexif\n%8d\n%s\n" % (len(block) // 2, lines)).encode()

    def packet(orientation):
        return b'<x:xmpmeta><rdf:Description tiff:Orientation="%d"/></x:xmpmeta>' % orientation

    element = b"<x:xmpmeta><tiff:Orientation>8</tiff:Orientation></x:xmpmeta>"
    for kind, name, orientation in (("tEXt", "text", 3), ("zTXt", "packed", 6), ("packed iTXt", "itxt", 8)):
        keep("exif-raw-%s.png" % name, png(8, 2, rgb, text(kind, raw, profile(orientation))))
    keep("exif-raw-late.png", png(8, 2, rgb, late=text("zTXt", raw, profile(5))))
    keep("exif-raw-bare.png", png(8, 2, rgb, text("zTXt", raw, profile(7, b""))))
    keep("exif-xmp.png", png(8, 2, rgb, text("iTXt", xmp, packet(6))))
    keep("exif-xmp-packed.png", png(8, 2, rgb, text("packed iTXt", xmp, packet(5))))
    keep("exif-xmp-element.png", png(8, 2, rgb, text("iTXt", xmp, element)))
    keep("exif-xmp-late.png", png(8, 2, rgb, late=text("iTXt", xmp, packet(3))))
    keep("exif-xmp-9.png", png(8, 2, rgb, text("iTXt", xmp, packet(9))))
    keep("exif-raw-before-xmp.png", png(8, 2, rgb, text("iTXt", xmp, packet(3)) + text("zTXt", raw, profile(6))))
    keep("exif-before-raw.png", png(8, 2, rgb, text("zTXt", raw, profile(6)) + chunk(b"eXIf", tiff(b"MM", 8))))
    whole = png(8, 2, rgb)
    keep("png-without-end.png", whole[:-12])
    keep("png-without-sum.png", whole[:-14])
    keep("png-palette-without-sums.png",
         png(4, 3, samples_of(4, 3, 16), chunk(b"PLTE", bytes(range(48))))[:-20])


def make_hostile_data():
    """Small files that claim much."""
    frame = segment(0xC9, struct.pack(">BHHB", 8, 10000, 10000, 1) + b"\1\x11\0")
    tables = segment(0xDB, b"\0" + b"\1" * 64)
    scan = segment(0xDA, b"\1\1\0\0\x3F\0")
    keep("hostile-arithmetic.jpg", b"\xFF\xD8" + tables + frame + scan + bytes(200) + b"\xFF\xD9", readable=False)
    colour = jpeg(Image.new("RGB", (64, 64), (90, 20, 130)), quality=85, progressive=True)
    at = colour.index(b"\xFF\xC2") + 5
    keep("hostile-progressive.jpg",
         colour[:at] + struct.pack(">HH", 20000, 20000) + colour[at + 4 :] + segment(0xFE, bytes(60000)), readable=False)
    first = colour.index(b"\xFF\xDA") + 5 + 2 * 3
    details = colour[:at] + struct.pack(">HH", 10000, 10000) + colour[at + 4 : first + 2] + b"\x10" + colour[first + 3 :]
    keep("hostile-details.jpg", details, readable=False)  # refinements of nothing, which cost no bits


make_jpegs()
make_pngs()
make_damaged_jpegs()
make_oriented_pngs()
make_hostile_data()
make_formats.make_all(keep, picture, noise)
with open(os.path.join(FOLDER, "expected.txt"), "w") as file:
    file.write("\n".join(expected) + "\n")
