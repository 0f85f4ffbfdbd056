/* What a network and a device say to each other, SUCIs, and the parameters and files that they are
 * made from. The first octet chooses. */
#include "asn1/nas.h"
#include "pki/aka.h"
#include "pki/suci.h"
#include "pytests/fuzz/fuzz.h"

static void
try_nas (RspSlice input)
{
    RspNas nas;
    if (rsp_nas_decode (input, &nas))
        g_bytes_unref (rsp_nas_encode (&nas));
}

static void
try_parameters (RspSlice input)
{
    static const guint8 rand[16] = {1};
    RspAkaParameter p;
    RspAkaAnswer answer;
    if (rsp_saip_read_aka (input, &p) == RSP_SAIP_OK && p.algorithm != RSP_AKA_MAPPED)
        rsp_aka_answer (&p, rand, &answer);
}

static void
try_suci (RspSlice input, guint scheme)
{
    static const guint8 private[32] = {[0] = 7, [31] = 9};
    g_autoptr (GByteArray) out = g_byte_array_new (), msin = g_byte_array_new ();
    g_autoptr (RspRng) rng = rsp_rng_new (1, "fuzz", "suci", 0);
    RspSuci suci;
    char digits[16];
    rsp_suci_reveal ((RspSuciScheme)(scheme % 3), private, input, msin);
    if (rsp_suci_read (input, &suci))
        rsp_suci_reveal (RSP_SUCI_A, private, suci.output, msin);
    rsp_imsi_digits (input, digits);
    rsp_suci_make (&(RspSuciSource){.imsi = "001010123456789", .mnc_size = 2, .calc_info = input},
                   rng, out);
}

int
LLVMFuzzerTestOneInput (const guint8 *data, gsize len)
{
    if (len < 2)
        return 0;
    RspSlice input = RSP_SLICE (data + 1, len - 1);
    switch (data[0] % 5) {
    case 0:
        try_nas (input);
        break;
    case 1:
        try_parameters (input);
        break;
    default:
        try_suci (input, data[0]);
    }
    return 0;
}
