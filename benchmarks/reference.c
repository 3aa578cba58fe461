/* What the machine can do: each workload twice, for bench.py (gcc -O3 -march=native).
 *
 * plain_*  one walker after the other, the way one writes it first.
 * tiled_*  64 walkers side by side, so that the compiler vectorises over them.
 *
 * x = 1 or x = a - 1 by one bit of a xorshift64 word per walker, 64 steps a word.
 * p[]: lr, a, then what the loss or the optimizer needs. w: n starts, changed in place.
 */
#include <math.h>
#include <stdint.h>

/* lets the compiler call the vector versions of libmvec */
__attribute__((simd("notinbranch"))) double log(double);
__attribute__((simd("notinbranch"))) double sin(double);
__attribute__((simd("notinbranch"))) double cos(double);

#define TILE 64

static inline uint64_t next(uint64_t s) {
    s ^= s << 13;
    s ^= s >> 7;
    return s ^ (s << 17);
}

static inline uint64_t begin(uint64_t seed, long i) {
    uint64_t s = (seed + 1) * 0x9E3779B97F4A7C15ull + (uint64_t)i * 0xD1B54A32D192ED03ull;
    s ^= s >> 31;
    return s ? s : 1;
}

#define CONSTANTS                                                                    \
    const double lr = p[0], other = p[1] - 1.0, p2 = p[2], p3 = p[3];                \
    (void)U; (void)lr; (void)p2; (void)p3; /* not every workload needs all */

/* DECLARE, LOAD and STORE keep a walker's variables in local arrays; STEP moves it given x. */
#define WALK(name, DECLARE, LOAD, STEP, STORE)                                       \
    void plain_##name(double *restrict W, double *restrict U, long n, long steps, uint64_t seed, const double *restrict p) { \
        CONSTANTS                                                                    \
        for (long i = 0; i < n; i++) {                                               \
            DECLARE(1)                                                               \
            const int j = 0;                                                         \
            LOAD(i)                                                                  \
            uint64_t s = begin(seed, i);                                             \
            for (long t = 0; t < steps; t++) {                                       \
                if (t % 64 == 0) s = next(s);                                        \
                double x = (s >> (t % 64)) & 1 ? 1.0 : other;                        \
                STEP                                                                 \
            }                                                                        \
            STORE(i)                                                                 \
        }                                                                            \
    }                                                                                \
    void tiled_##name(double *restrict W, double *restrict U, long n, long steps, uint64_t seed, const double *restrict p) { \
        CONSTANTS                                                                    \
        for (long i = 0; i + TILE <= n; i += TILE) {                                 \
            DECLARE(TILE)                                                            \
            uint64_t s[TILE];                                                        \
            for (int j = 0; j < TILE; j++) { LOAD(i + j) s[j] = begin(seed, i + j); } \
            for (long t = 0; t < steps; t++) {                                       \
                if (t % 64 == 0)                                                     \
                    for (int j = 0; j < TILE; j++) s[j] = next(s[j]);                \
                const uint64_t bit = (uint64_t)t % 64;                               \
                for (int j = 0; j < TILE; j++) {                                     \
                    double x = (s[j] >> bit) & 1 ? 1.0 : other;                       \
                    STEP                                                             \
                }                                                                    \
            }                                                                        \
            for (int j = 0; j < TILE; j++) { STORE(i + j) }                          \
        }                                                                            \
    }

#define DECLARE_W(k) double w[k];
#define LOAD_W(i) w[j] = W[i];
#define STORE_W(i) W[i] = w[j];

WALK(quadratic, DECLARE_W, LOAD_W, w[j] *= 1.0 - lr * x;, STORE_W)

/* p[2] = c2, p[3] = c4 */
WALK(quartic, DECLARE_W, LOAD_W,
     w[j] *= 1.0 - 2.0 * p2 * lr * x - 4.0 * p3 * lr * w[j] * w[j];, STORE_W)

/* Adam and AMSGrad with bias correction off; p[2] = beta1, p[3] = beta2 */
#define DECLARE_A(k) double w[k], m[k], v[k];
#define LOAD_A(i) w[j] = W[i]; m[j] = 0.0; v[j] = 0.0;
#define DECLARE_M(k) DECLARE_A(k) double top[k];
#define LOAD_M(i) LOAD_A(i) top[j] = 1e-300;
#define MOMENTS                                                                      \
    double g = x * w[j];                                                             \
    m[j] = p2 * m[j] + (1.0 - p2) * g;                                           \
    v[j] = p3 * v[j] + (1.0 - p3) * g * g;

WALK(adam, DECLARE_A, LOAD_A,
     MOMENTS w[j] -= lr * m[j] / (sqrt(v[j]) + 1e-150);, STORE_W)
WALK(amsgrad, DECLARE_M, LOAD_M,
     MOMENTS top[j] = top[j] > v[j] ? top[j] : v[j]; w[j] -= lr * m[j] / sqrt(top[j]);, STORE_W)

/* eq. (10): p[2] = a, p[3] = b of the loss (its data law has p[1] = 0) */
#define DECLARE_2(k) double w[k], u[k];
#define LOAD_2(i) w[j] = W[i]; u[j] = U[i];
#define STORE_2(i) W[i] = w[j]; U[i] = u[j];
WALK(two_minima, DECLARE_2, LOAD_2,
     double q = w[j] * w[j]; double r = u[j] * u[j];
     w[j] -= lr * w[j] * (p3 * x - 2.0 + 4.0 * q + 12.0 * r);
     u[j] -= lr * u[j] * (-2.0 - 2.0 * p2 + 12.0 * q + 4.0 * r);, STORE_2)

/* Euler-Maruyama for dw = -lr p2 w dt + lr sqrt(w^2 + p3) dW with dt = 1; normals by Box and Muller,
 * a pair for two steps. */
#define PAIR(s, r, angle)                                                            \
    s = next(s);                                                                     \
    const double r = sqrt(-2.0 * log(((double)(int64_t)(s >> 12) + 0.5) * 0x1p-52)); \
    s = next(s);                                                                     \
    const double angle = 6.283185307179586 * ((double)(int64_t)(s >> 12) + 0.5) * 0x1p-52;
#define KICK(w, z) w += -lr * p2 * w + lr * sqrt(w * w + p3) * (z);

void plain_sde(double *restrict W, double *restrict U, long n, long steps, uint64_t seed, const double *restrict p) {
    const double lr = p[0], p2 = p[2], p3 = p[3];
    (void)U;
    for (long i = 0; i < n; i++) {
        double w = W[i];
        uint64_t s = begin(seed, i);
        for (long t = 0; t < steps; t += 2) {
            PAIR(s, r, angle)
            KICK(w, r * cos(angle))
            if (t + 1 < steps) { KICK(w, r * sin(angle)) }
        }
        W[i] = w;
    }
}

void tiled_sde(double *restrict W, double *restrict U, long n, long steps, uint64_t seed, const double *restrict p) {
    const double lr = p[0], p2 = p[2], p3 = p[3];
    (void)U;
    for (long i = 0; i + TILE <= n; i += TILE) {
        double w[TILE], y[TILE], z[TILE]; /* a walker, a radius and an angle */
        uint64_t s[TILE];
        for (int j = 0; j < TILE; j++) { w[j] = W[i + j]; s[j] = begin(seed, i + j); }
        for (long t = 0; t < steps; t += 2) {
            for (int j = 0; j < TILE; j++) {
                PAIR(s[j], r, angle)
                y[j] = r;
                z[j] = angle;
            }
            for (int j = 0; j < TILE; j++) { KICK(w[j], y[j] * cos(z[j])) }
            if (t + 1 < steps)
                for (int j = 0; j < TILE; j++) { KICK(w[j], y[j] * sin(z[j])) }
        }
        for (int j = 0; j < TILE; j++) W[i + j] = w[j];
    }
}

/* The quadratic from the number of x = 1 among `steps` bits: W: w_0 -> log|w_t|, U: -> sign of w_t */
void tiled_count(double *restrict W, double *restrict U, long n, long steps, uint64_t seed, const double *restrict p) {
    const double f = 1.0 - p[0], g = 1.0 - p[0] * (p[1] - 1.0);
    const double one = log(fabs(f)), other = log(fabs(g));
    for (long i = 0; i + TILE <= n; i += TILE) {
        uint64_t s[TILE], k[TILE] = {0};
        for (int j = 0; j < TILE; j++) s[j] = begin(seed, i + j);
        for (long t = 0; t < steps / 64; t++)
            for (int j = 0; j < TILE; j++) {
                s[j] = next(s[j]);
                k[j] += (uint64_t)__builtin_popcountll(s[j]);
            }
        if (steps % 64)
            for (int j = 0; j < TILE; j++)
                k[j] += (uint64_t)__builtin_popcountll(next(s[j]) >> (64 - steps % 64));
        for (int j = 0; j < TILE; j++) {
            const uint64_t turns = (f < 0 ? k[j] : 0) + (g < 0 ? (uint64_t)steps - k[j] : 0);
            const double start = W[i + j], sign = (start > 0) - (start < 0);
            U[i + j] = turns & 1 ? -sign : sign;
            W[i + j] = log(fabs(start)) + (double)k[j] * one + (double)(steps - (long)k[j]) * other;
        }
    }
}
