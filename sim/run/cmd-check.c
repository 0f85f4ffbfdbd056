#include "sim/run/commands.h"
#include "sim/run/language.h"
#include "sim/run/scenario.h"

#include <stdio.h>
#include <string.h>

static int
print_schema (void)
{
    g_autofree char *text = rsp_shape_schema (&rsp_language_scenario, "rspsim scenario");
    fputs (text, stdout);
    return 0;
}

int
rsp_cmd_check (int argc, char **argv)
{
    g_autoptr (GPtrArray) scenarios = NULL;
    if (argc == 2 && strcmp (argv[1], "--schema") == 0)
        return print_schema ();
    if (argc < 2 || argv[1][0] == '-') {
        fprintf (stderr, "usage: rspsim check PATH… | --schema\n");
        return 2;
    }
    gboolean ok = rsp_scenarios_collect (argv + 1, argc - 1, NULL, &scenarios);
    if (ok)
        printf ("%u scenarios are valid\n", scenarios->len);
    return ok ? 0 : 2;
}
