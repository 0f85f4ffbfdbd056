#include "sim/run/commands.h"

#include <glib.h>
#include <locale.h>
#include <stdio.h>
#include <string.h>

typedef struct {
    const char *name;
    int (*run) (int argc, char **argv); /* NULL: not supported yet */
    const char *help;
} Command;

static const Command commands[] = {
    {"run", rsp_cmd_run, "PATH…      run scenario files or folders"},
    {"check", rsp_cmd_check, "PATH…      validate scenario files; --schema prints the JSON Schema"},
    {"sweep", rsp_cmd_sweep, "PATH…      every fault at every message"},
    {"trace", rsp_cmd_trace, "FILE       render a trace: text, mermaid, html; trace diff A B"},
    {"decode", rsp_cmd_decode, "[FILE]     name and print any RSP message"},
    {"serve", rsp_cmd_serve, "WORLD      host a world on loopback for outside tools"},
    {"card", rsp_cmd_card, "WORLD EUICC  one eUICC for outside tools"},
    {"lpa", rsp_cmd_lpa, "COMMAND …  the LPA as a client of any card and any server"},
    {"ipa", rsp_cmd_ipa, "COMMAND …  the IPA as a client of any card and any eIM"},
    {"pki", rsp_cmd_pki, "WORLD -o D write every certificate and key of a world"},
    {"profile", rsp_cmd_profile, "build|check|show|diff FILE  profile packages"},
    {"bench", rsp_cmd_bench, "[NAME]     measure on this machine"},
    {"compare", rsp_cmd_compare, "PATH…     scenarios over different links, as a table"},
    {"list", rsp_cmd_list, "functions|faults|errors|coverage|steps|expectations"},
};

static int
usage (FILE *out, int status)
{
    fprintf (out,
             "rspsim %s: the eSIM Remote SIM Provisioning ecosystem in one process\n\n"
             "usage: rspsim COMMAND …\n\n",
             RSPSIM_VERSION);
    for (guint i = 0; i < G_N_ELEMENTS (commands); i++)
        fprintf (out, "  %-8s %s%s\n", commands[i].name, commands[i].help,
                 commands[i].run ? "" : "  (not supported)");
    fprintf (out, "\nrspsim COMMAND --help says more.\n");
    return status;
}

int
main (int argc, char **argv)
{
    setlocale (LC_CTYPE, "C.UTF-8");
    if (argc < 2)
        return usage (stderr, 2);
    if (strcmp (argv[1], "--help") == 0 || strcmp (argv[1], "help") == 0)
        return usage (stdout, 0);
    if (strcmp (argv[1], "--version") == 0) {
        printf ("rspsim %s\n", RSPSIM_VERSION);
        return 0;
    }
    for (guint i = 0; i < G_N_ELEMENTS (commands); i++) {
        if (strcmp (commands[i].name, argv[1]) != 0)
            continue;
        if (commands[i].run)
            return commands[i].run (argc - 1, argv + 1);
        fprintf (stderr, "not supported: rspsim %s\n", argv[1]);
        return 2;
    }
    fprintf (stderr, "rspsim: no command \"%s\"\n", argv[1]);
    return usage (stderr, 2);
}
