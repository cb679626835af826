// A solver in JavaScript that is started once: node serve.js, named serve:"node serve.js".
//
// It finds a shift, by Gauss-Newton on squared differences from coarse to fine, and says so: it
// has one model. Requests come as lines of JSON on standard input, answers go out the same way.
"use strict";
const fs = require("fs");

function readNpy(path) {
  const bytes = fs.readFileSync(path);
  const start = 10 + bytes.readUInt16LE(8);
  const head = bytes.toString("latin1", 10, start);
  const [height, width] = /'shape': \((\d+), (\d+)/.exec(head).slice(1).map(Number);
  if (!head.includes("'<f4'") || !head.includes("False")) throw new Error("float32 images only");
  const data = new Float32Array(bytes.buffer.slice(bytes.byteOffset + start));
  return { height, width, data };
}

// Half the size, by the mean of two by two pixels: a pixel's centre moves by half a pixel.
function halved({ height, width, data }) {
  const h = height >> 1, w = width >> 1, half = new Float32Array(h * w);
  for (let y = 0; y < h; y++)
    for (let x = 0; x < w; x++) {
      const at = 2 * y * width + 2 * x;
      half[y * w + x] = (data[at] + data[at + 1] + data[at + width] + data[at + width + 1]) / 4;
    }
  return { height: h, width: w, data: half };
}

// One step: where moving, read at x + shift, differs from fixed, by the slopes of moving.
function step(fixed, moving, [dx, dy]) {
  let xx = 0, xy = 0, yy = 0, bx = 0, by = 0;
  const { data, width } = moving;
  for (let y = 0; y < fixed.height; y++)
    for (let x = 0; x < fixed.width; x++) {
      const px = x + dx, py = y + dy;
      if (!(px >= 0 && py >= 0 && px <= width - 1 && py <= moving.height - 1)) continue;
      const i = Math.min(Math.floor(px), width - 2), j = Math.min(Math.floor(py), moving.height - 2);
      const s = px - i, t = py - j, at = j * width + i;
      const [a, b, c, d] = [data[at], data[at + 1], data[at + width], data[at + width + 1]];
      const value = (1 - t) * ((1 - s) * a + s * b) + t * ((1 - s) * c + s * d);
      const gx = (1 - t) * (b - a) + t * (d - c), gy = (1 - s) * (c - a) + s * (d - b);
      const off = fixed.data[y * fixed.width + x] - value;
      xx += gx * gx; xy += gx * gy; yy += gy * gy; bx += gx * off; by += gy * off;
    }
  const det = xx * yy - xy * xy;
  return [(yy * bx - xy * by) / det, (xx * by - xy * bx) / det];
}

function register(fixed, moving) {
  const levels = [[fixed, moving]];
  while (levels.length < 4) levels.push(levels[levels.length - 1].map(halved));
  let shift = [0, 0];
  levels.reverse().forEach(([f, m], level) => {
    if (level) shift = shift.map((d) => 2 * d);
    for (let count = 0; count < 50; count++) {
      const [dx, dy] = step(f, m, shift);
      shift = [shift[0] + dx, shift[1] + dy];
      if (Math.hypot(dx, dy) < 1e-6) break;
    }
  });
  return [[1, 0, shift[0]], [0, 1, shift[1]]];
}

function answer(request) {
  if (request.ask === "hello")
    return { irgate: 1, name: "serve.js", models: ["translation"], accepts: ["model"], reach: { px: 30 } };
  try {
    const matrix = register(readNpy(request.fixed), readNpy(request.moving));
    return { id: request.id, matrix };
  } catch (error) {
    return { id: request.id, error: error.message };
  }
}

const lines = require("readline").createInterface({ input: process.stdin });
lines.on("line", (line) => console.log(JSON.stringify(answer(JSON.parse(line)))));
