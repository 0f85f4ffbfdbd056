#include "pki/point.h"

#include <gmp.h>
#include <nettle/bignum.h>
#include <string.h>

#define P "ffffffff00000001000000000000000000000000ffffffffffffffffffffffff"
#define B "5ac635d8aa3a93e7b3ebbd55769886bc651d06b0cc53b0f63bce3c3e27d2604b"

void
rsp_point_compress (const guint8 point[RSP_POINT_SIZE], guint8 ret[RSP_COMPRESSED_SIZE])
{
    ret[0] = point[RSP_POINT_SIZE - 1] & 1 ? 0x03 : 0x02;
    memcpy (ret + 1, point + 1, 32);
}

/* y = (x³ − 3x + b)^((p + 1) / 4): p ≡ 3 (mod 4). */
static void
square_root (const mpz_t x, const mpz_t p, mpz_t y)
{
    mpz_t e, b;
    mpz_init_set_str (b, B, 16);
    mpz_init (e);
    mpz_mul (y, x, x);
    mpz_sub_ui (y, y, 3);
    mpz_mul (y, y, x);
    mpz_add (y, y, b);
    mpz_mod (y, y, p);
    mpz_add_ui (e, p, 1);
    mpz_fdiv_q_2exp (e, e, 2);
    mpz_powm (y, y, e, p);
    mpz_clear (e);
    mpz_clear (b);
}

gboolean
rsp_point_decompress (RspSlice compressed, guint8 ret_point[RSP_POINT_SIZE])
{
    mpz_t p, x, y;
    if (compressed.len != RSP_COMPRESSED_SIZE || (compressed.data[0] & 0xFE) != 0x02)
        return FALSE;
    mpz_init_set_str (p, P, 16);
    mpz_init (y);
    nettle_mpz_init_set_str_256_u (x, 32, compressed.data + 1);
    square_root (x, p, y);
    if (mpz_odd_p (y) != (compressed.data[0] & 1))
        mpz_sub (y, p, y);
    ret_point[0] = 0x04;
    memcpy (ret_point + 1, compressed.data + 1, 32);
    nettle_mpz_get_str_256 (32, ret_point + 33, y);
    mpz_clear (p);
    mpz_clear (x);
    mpz_clear (y);
    /* A number without a square root has led to a point beside the curve. */
    return rsp_point_valid (RSP_SLICE (ret_point, RSP_POINT_SIZE));
}
