// SPDX-License-Identifier: Apache-2.0
// The operator's command: a table of commands, each with its own table of options, from which the
// parser, the usage messages and the help are made. Exit status: 0 done, 1 failed, 2 usage.
#ifndef BF_REPLICA_CLI_CLI_H
#define BF_REPLICA_CLI_CLI_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "replica/points/image.h"
#include "replica/state/state.h"

enum { BF_CLI_OK = 0, BF_CLI_FAILED = 1, BF_CLI_USAGE = 2 };
enum { BF_CLI_POSITIONAL = 4, BF_CLI_GIVEN = 80 };

struct bf_cli_option {
    const char *name;   // "--iso"
    const char *values; // "FILE", "KEY CERT" for two; NULL: a switch
    int repeat;
    const char *help; // one line
};
struct bf_cli;
struct bf_cli_command {
    const char *name;  // "machine add"
    const char *usage; // what follows the name
    const char *summary;
    const char *details;                 // paragraphs for `bootferry help COMMAND`, or NULL
    int min, max;                        // positional arguments
    const struct bf_cli_option *options; // ends with a NULL name; may be NULL
    int json;                            // takes --json
    int (*run)(struct bf_cli *cli);
    void (*more_help)(void); // prints after the options, or NULL
};

struct bf_cli_given {
    const struct bf_cli_option *option;
    const char *value[2];
};
// One call of the program.
struct bf_cli {
    const struct bf_cli_command *command;
    const char *state_option; // --state, or NULL
    int json;
    int count;
    const char *argument[BF_CLI_POSITIONAL];
    int given_count;
    struct bf_cli_given given[BF_CLI_GIVEN];
    struct bf_state *state; // after bf_cli_open, closed by main
    struct bf_db *db;
};

// The value of an option (index 0 or 1), NULL when it was not given. The nth time it was given.
const char *bf_cli_value(const struct bf_cli *cli, const char *option, int index);
const char *bf_cli_nth(const struct bf_cli *cli, const char *option, int n);
int bf_cli_has(const struct bf_cli *cli, const char *option);

// A wrong call: prints the reason and where to read on. Returns BF_CLI_USAGE.
int bf_cli_usage(const struct bf_cli *cli, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
// A failure: prints what, whose fault, and what to do. Returns BF_CLI_FAILED.
int bf_cli_fail(const struct bf_fault *fault);

// An option that must be a decimal number in [min, max]; fallback when it was not given.
// 0 and a usage message printed when it is something else.
int bf_cli_number(const struct bf_cli *cli, const char *option, uint64_t min, uint64_t max,
                  uint64_t fallback, uint64_t *out);

// Opens the state beside a daemon that may be running, as the owner of its files, once; BF_CLI_OK,
// or the exit status after the failure was printed.
int bf_cli_open(struct bf_cli *cli);
// As above, and the machine must exist.
int bf_cli_open_machine(struct bf_cli *cli, const char *name, struct bf_machine *out);
// As above, for NAME[@POINT[/K]]; object: whether /K is accepted. Resolves to what exists.
int bf_cli_open_ref(struct bf_cli *cli, const char *text, int object, struct bf_image_ref *out);

extern const struct bf_cli_command bf_command_init;
extern const struct bf_cli_command bf_command_machine_add, bf_command_machine_list,
    bf_command_machine_show, bf_command_machine_accept, bf_command_machine_revoke,
    bf_command_machine_renew;
extern const struct bf_cli_command bf_command_media, bf_command_status, bf_command_points;
extern const struct bf_cli_command bf_command_verify, bf_command_plan, bf_command_finalize,
    bf_command_export;
extern const struct bf_cli_command bf_command_failover, bf_command_commit, bf_command_rollback,
    bf_command_cancel, bf_command_cleanup, bf_command_confirm;
extern const struct bf_cli_command bf_command_jobs, bf_command_job_show, bf_command_job_run,
    bf_command_projected, bf_command_assess;

#endif
