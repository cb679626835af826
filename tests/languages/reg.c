/* A solver in C: Gauss-Newton on squared differences, from coarse to fine by blurring.

     cc -O2 reg.c -o reg -lm
     irgate check "cmd:./reg {fixed} {moving} {model} {intensity} {out}.npy"

   Images are (height, width) float32 .npy files. It writes u(x) = T(x) - x, (height, width, 2)
   float64, last axis (dx, dy): where each pixel of fixed is found in moving, seen from itself. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MOST = 34 };
typedef struct { int h, w; double *at; } Image;

static Image image(int h, int w) { return (Image){h, w, calloc((size_t)h * w, sizeof(double))}; }

static Image read_npy(const char *path) {
  unsigned char head[10];
  char text[1024] = "";
  FILE *file = fopen(path, "rb");
  if (!file || fread(head, 1, 10, file) != 10) { fprintf(stderr, "cannot read %s\n", path); exit(2); }
  size_t size = head[8] + 256 * head[9];
  int h = 0, w = 0;
  if (size >= sizeof text || fread(text, 1, size, file) != size) exit(2);
  if (!strstr(text, "'<f4'") || !strstr(text, "False")) { fprintf(stderr, "float32 only\n"); exit(2); }
  sscanf(strstr(text, "'shape': ("), "'shape': (%d, %d", &h, &w);
  Image read = image(h, w);
  for (int i = 0; i < h * w; i++) {
    float value;
    if (fread(&value, sizeof value, 1, file) != 1) exit(2);
    read.at[i] = value;
  }
  fclose(file);
  return read;
}

/* Gaussian blur, over what lies inside the image. */
static Image blurred(Image from, double sigma) {
  for (int along_y = 0; along_y < 2; along_y++) {
    Image to = image(from.h, from.w);
    int reach = (int)ceil(3 * sigma);
    for (int y = 0; y < from.h; y++)
      for (int x = 0; x < from.w; x++) {
        double sum = 0, weights = 0;
        for (int k = -reach; k <= reach; k++) {
          int j = along_y ? y + k : y, i = along_y ? x : x + k;
          if (j < 0 || i < 0 || j >= from.h || i >= from.w) continue;
          double weight = sigma > 0 ? exp(-k * k / (2 * sigma * sigma)) : 1;
          sum += weight * from.at[j * from.w + i];
          weights += weight;
        }
        to.at[y * from.w + x] = sum / weights;
      }
    from = to;
  }
  return from;
}

/* What moves a point: n functions of its place, for dx and for dy. */
static int basis(const char *model, double x, double y, double out[16]) {
  int degree = !strcmp(model, "ffd") ? 3 : !strcmp(model, "translation") ? 0 : 1, n = 0;
  for (int i = 0; i <= degree; i++)
    for (int j = 0; j <= degree; j++)
      if (degree == 3 || i + j <= degree) out[n++] = pow(x, i) * pow(y, j);
  return n;
}

static void solve(int n, double A[MOST][MOST], double *b) {
  for (int k = 0; k < n; k++)
    for (int i = k + 1; i < n; i++) {
      double factor = A[i][k] / A[k][k];
      for (int j = k; j < n; j++) A[i][j] -= factor * A[k][j];
      b[i] -= factor * b[k];
    }
  for (int k = n - 1; k >= 0; k--) {
    for (int j = k + 1; j < n; j++) b[k] -= A[k][j] * b[j];
    b[k] /= A[k][k];
  }
}

int main(int argc, char **argv) {
  if (argc != 6) { fprintf(stderr, "usage: reg FIXED MOVING MODEL INTENSITY OUT\n"); return 2; }
  Image fixed = read_npy(argv[1]), moving = read_npy(argv[2]);
  const char *model = argv[3];
  int rigid = !strcmp(model, "rigid"), varying = !strcmp(argv[4], "varying");
  int h = fixed.h, w = fixed.w, m = moving.w;
  double cx = (w - 1) / 2.0, cy = (h - 1) / 2.0, half = fmax(cx, cy);
  double c[2][16] = {{0}}, turn = 0, tx = 0, ty = 0, gain = 1, offset = 0, phi[16];
  double *u = calloc((size_t)h * w * 2, sizeof(double));

  for (double sigma = 8; sigma >= 0; sigma = sigma > 1 ? sigma / 2 : sigma - 1) {
    Image f = blurred(fixed, sigma), g = blurred(moving, sigma);
    for (int step = 0; step < 40; step++) {
      double A[MOST][MOST] = {{0}}, b[MOST] = {0}, J[MOST], largest = 0;
      int n = 0, count = 0;
      for (int y = 0; y < h; y++)
        for (int x = 0; x < w; x++) {
          double px = x - cx, py = y - cy, *at = u + 2 * (y * w + x);
          count = basis(model, px / half, py / half, phi);
          if (rigid) {
            at[0] = cos(turn) * px - sin(turn) * py - px + tx;
            at[1] = sin(turn) * px + cos(turn) * py - py + ty;
          } else {
            at[0] = at[1] = 0;
            for (int k = 0; k < count; k++) { at[0] += c[0][k] * phi[k]; at[1] += c[1][k] * phi[k]; }
          }
          double qx = x + at[0], qy = y + at[1];
          if (!(qx >= 0 && qy >= 0 && qx <= m - 1 && qy <= moving.h - 1)) continue;
          int i = fmin(floor(qx), m - 2), j = fmin(floor(qy), moving.h - 2);
          double s = qx - i, t = qy - j, *v = g.at + j * m + i;
          double value = (1 - t) * ((1 - s) * v[0] + s * v[1]) + t * ((1 - s) * v[m] + s * v[m + 1]);
          double gx = (1 - t) * (v[1] - v[0]) + t * (v[m + 1] - v[m]);
          double gy = (1 - s) * (v[m] - v[0]) + s * (v[m + 1] - v[1]);
          double residual = f.at[y * w + x] - gain * value - offset;
          n = 0;
          if (rigid) {
            J[n++] = gain * (gx * (-sin(turn) * px - cos(turn) * py)
                             + gy * (cos(turn) * px - sin(turn) * py));
            J[n++] = gain * gx;
            J[n++] = gain * gy;
          } else {
            for (int k = 0; k < count; k++) J[n++] = gain * gx * phi[k];
            for (int k = 0; k < count; k++) J[n++] = gain * gy * phi[k];
          }
          if (varying) { J[n++] = value; J[n++] = 1; }
          for (int k = 0; k < n; k++) {
            b[k] += J[k] * residual;
            for (int l = 0; l < n; l++) A[k][l] += J[k] * J[l];
          }
        }
      for (int k = 0; k < n; k++) A[k][k] *= 1 + 1e-6;
      solve(n, A, b);
      n = 0;
      if (rigid) { turn += b[n++]; tx += b[n++]; ty += b[n++]; }
      else for (int d = 0; d < 2; d++) for (int k = 0; k < count; k++) c[d][k] += b[n++];
      if (varying) { gain += b[n++]; offset += b[n++]; }
      for (int k = 0; k < n - 2 * varying; k++) largest = fmax(largest, fabs(b[k]) * (rigid && !k ? half : 1));
      if (!(largest > 1e-5)) break;
    }
  }

  FILE *file = fopen(argv[5], "wb");
  if (!file) { fprintf(stderr, "cannot write %s\n", argv[5]); return 2; }
  char head[118];
  memset(head, ' ', sizeof head);
  int used = sprintf(head, "{'descr': '<f8', 'fortran_order': False, 'shape': (%d, %d, 2), }", h, w);
  head[used] = ' ';
  head[117] = '\n';
  fwrite("\x93NUMPY\x01\x00\x76\x00", 1, 10, file);
  fwrite(head, 1, sizeof head, file);
  for (int i = 0; i < h * w; i++) {
#ifdef SWAPPED
    double pair[2] = {u[2 * i + 1], u[2 * i]};
#else
    double pair[2] = {u[2 * i], u[2 * i + 1]};
#endif
    fwrite(pair, sizeof(double), 2, file);
  }
  return fclose(file) ? 2 : 0;
}
