/* The subcommands of rspsim: one file each, cmd-NAME.c. Each gets its own arguments (argv[0] is the
 * subcommand's name) and returns the exit status: 0 fine, 1 a scenario failed, 2 bad usage or
 * input. Results go to standard output, diagnostics to standard error. */
#pragma once

#include <glib.h>

int rsp_cmd_run (int argc, char **argv);
int rsp_cmd_sweep (int argc, char **argv);
int rsp_cmd_check (int argc, char **argv);
int rsp_cmd_trace (int argc, char **argv);
int rsp_cmd_decode (int argc, char **argv);
int rsp_cmd_serve (int argc, char **argv);
int rsp_cmd_card (int argc, char **argv);
int rsp_cmd_pki (int argc, char **argv);
int rsp_cmd_profile (int argc, char **argv);
int rsp_cmd_bench (int argc, char **argv);
int rsp_cmd_lpa (int argc, char **argv);
int rsp_cmd_ipa (int argc, char **argv);
int rsp_cmd_compare (int argc, char **argv);
int rsp_cmd_list (int argc, char **argv);
/* Part of `list`: the coverage list against SCENARIOS (of RspScenario), as lines or as a page. */
int rsp_list_coverage (const GPtrArray *scenarios, gboolean markdown);
