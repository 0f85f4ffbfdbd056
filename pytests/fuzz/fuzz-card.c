/* A card and what a terminal sends: a run of APDUs, each behind its length in one octet. The card
 * is a fresh one each time, with a session that waits for a package, so that loading is within
 * reach too. */
#include "pytests/fuzz/fuzz.h"
#include "pytests/unit/test-euicc-host.h"

int
LLVMFuzzerTestOneInput (const guint8 *data, gsize len)
{
    static Host *host;
    if (!host)
        host = host_new ();
    host_restart (host, NULL);
    host_session (host);
    while (len > 0) {
        gsize n = MIN ((gsize)data[0], len - 1);
        g_bytes_unref (rsp_euicc_transmit (host->card, RSP_SLICE (data + 1, n)));
        data += 1 + n;
        len -= 1 + n;
    }
    return 0;
}
