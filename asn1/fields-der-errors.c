#include "asn1/fields-der.h"

#include <string.h>

typedef struct {
    gint64 value;
    const char *subject, *reason;
    enum { BOTH, ESIPA, ES9P } of; /* which of the two has it */
} Code;

/* Several statuses may share a value; the first of them is what it is read as. SGP.22 5.6, 5.7. */
static const Code initiate_authentication[] = {
    {1, "8.8.1", "3.8"},
    {1, "8.9.1", "3.8"},
    {2, "8.8.3", "3.1"},
    {2, "8.9.3", "3.1"},
    {3, "8.8.2", "3.1"},
    {3, "8.8.4", "3.7"},
    {3, "8.9.2", "3.1"},
    {3, "8.9.4", "3.7"},
    /* the eIM's own refusals */
    {50, "8.8.1", "3.10", ESIPA},
    {51, "8.8", "3.10", ESIPA},
    {52, "8.31.2", "3.10", ESIPA},
};
static const Code authenticate_client[] = {
    {1, "8.1.2", "6.1"},         {2, "8.1.2", "6.3"},
    {3, "8.1.3", "6.1"},         {4, "8.1.3", "6.3"},
    {5, "8.1", "6.1"},           {6, "8.2.6", "3.8"},
    {7, "8.1.1", "3.8"},         {8, "8.2.5", "4.3"},
    {9, "8.11.1", "3.9"},        {10, "8.10.1", "3.9"},
    {11, "8.1", "4.8"},          {18, "8.8.5", "4.10", ES9P},
    {6, "8.2", "1.2"},           {56, "8.9.5", "3.9", ESIPA},
    {50, "8.2.8", "3.8", ESIPA}, /* pprNotAllowed */
};
static const Code get_bound_profile_package[] = {
    {1, "8.1", "6.1"},           {2, "8.2.7", "2.2"},
    {3, "8.2.7", "3.8"},         {4, "8.2.7", "6.4"},
    {5, "8.2", "3.7"},           {95, "8.10.1", "3.9"},
    {6, "8.8.5", "4.10", ESIPA}, {50, "8.2.9", "3.11", ESIPA}, /* metadataMismatch */
};
/* SGP.32 5.14.5; 5.14.6 has all but the first. */
static const Code get_eim_package[] = {
    {1, "8.1.1", "3.7"},
    {2, "8.1.1", "3.9"},
    {3, "8.1.1", "2.1"},
    {4, "8.1.1", "2.2"},
};
static const Code cancel_session[] = {{1, "8.10.1", "3.9"}, {2, "8.1", "6.1"}};

static const Code *
codes_of (const RspFunction *fn, gsize *ret_n)
{
    const struct {
        guint32 tag;
        const Code *codes;
        gsize n;
    } all[] = {
        {0xBF39, initiate_authentication, G_N_ELEMENTS (initiate_authentication)},
        {0xBF3B, authenticate_client, G_N_ELEMENTS (authenticate_client)},
        {0xBF3A, get_bound_profile_package, G_N_ELEMENTS (get_bound_profile_package)},
        {0xBF41, cancel_session, G_N_ELEMENTS (cancel_session)},
        {0xBF4F, get_eim_package, G_N_ELEMENTS (get_eim_package)},
        {0xBF50, get_eim_package + 1, G_N_ELEMENTS (get_eim_package) - 1},
    };
    for (guint i = 0; i < G_N_ELEMENTS (all); i++)
        if (all[i].tag == fn->tag) {
            *ret_n = all[i].n;
            return all[i].codes;
        }
    *ret_n = 0;
    return NULL;
}

static gboolean
knows (const RspFunction *fn, const Code *code)
{
    return code->of == BOTH || (code->of == ESIPA) == (fn->interface == RSP_IF_ESIPA);
}

gint64
rsp_fields_error_value (const RspFunction *fn, RspStatus status)
{
    gsize n = 0;
    const Code *codes = codes_of (fn, &n);
    for (gsize i = 0; i < n; i++)
        if (knows (fn, &codes[i]) && g_strcmp0 (status.subject, codes[i].subject) == 0 &&
            g_strcmp0 (status.reason, codes[i].reason) == 0)
            return codes[i].value;
    return RSP_UNDEFINED_ERROR;
}

RspStatus
rsp_fields_error_status (const RspFunction *fn, gint64 value)
{
    gsize n = 0;
    const Code *codes = codes_of (fn, &n);
    for (gsize i = 0; i < n; i++)
        if (knows (fn, &codes[i]) && codes[i].value == value)
            return (RspStatus){codes[i].subject, codes[i].reason, NULL};
    return (RspStatus){"1.6", "4.2", NULL};
}
