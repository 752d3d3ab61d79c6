#!/usr/bin/env python3
"""Paints assets/icon.png: an envelope under way on two waves. Needs nothing but Python; run it to change the icon."""
import math, pathlib, struct, zlib

SIZE, OVER = 256, 4
BLUE, DEEP, WHITE = (29, 91, 201), (16, 58, 140), (255, 255, 255)

def inside_round(x, y, left, top, right, bottom, radius):
    dx, dy = max(left + radius - x, 0, x - right + radius), max(top + radius - y, 0, y - bottom + radius)
    return left <= x <= right and top <= y <= bottom and dx * dx + dy * dy <= radius * radius

def near(x, y, ax, ay, bx, by, width):
    length = (bx - ax) ** 2 + (by - ay) ** 2
    t = max(0, min(1, ((x - ax) * (bx - ax) + (y - ay) * (by - ay)) / length))
    return math.hypot(x - ax - t * (bx - ax), y - ay - t * (by - ay)) <= width

def color(x, y):
    if not inside_round(x, y, 8, 8, 248, 248, 52):
        return (0, 0, 0, 0)
    wave = 178 + 9 * math.sin(x / 256 * math.tau * 2)
    if y > wave + 22:
        return (*DEEP, 255)
    if y > wave + 10:
        return (*WHITE, 255)
    if inside_round(x, y, 52, 62, 204, 182, 12):
        if y > wave:
            return (*BLUE, 255)
        if near(x, y, 58, 70, 128, 126, 6) or near(x, y, 198, 70, 128, 126, 6):
            return (*BLUE, 255)
        return (*WHITE, 255)
    return (*BLUE, 255)

rows = []
for py in range(SIZE):
    row = bytearray([0])
    for px in range(SIZE):
        dots = [color(px + (i + .5) / OVER, py + (j + .5) / OVER) for i in range(OVER) for j in range(OVER)]
        alpha = sum(dot[3] for dot in dots)
        row += bytes(round(sum(dot[c] * dot[3] for dot in dots) / alpha) if alpha else 0 for c in range(3))
        row.append(round(alpha / len(dots)))
    rows.append(bytes(row))

def chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

png = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", SIZE, SIZE, 8, 6, 0, 0, 0))
png += chunk(b"IDAT", zlib.compress(b"".join(rows), 9)) + chunk(b"IEND", b"")
(pathlib.Path(__file__).parent.parent / "assets" / "icon.png").write_bytes(png)
