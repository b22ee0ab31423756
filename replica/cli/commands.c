// SPDX-License-Identifier: Apache-2.0
// The table of commands, and the options that all of them take.
#include "replica/cli/commands.h"

#include "base/bytes.h"

static const struct bf_cli_command *const commands[] = {
    &bf_command_init,          &bf_command_machine_add,    &bf_command_machine_list,
    &bf_command_machine_show,  &bf_command_machine_accept, &bf_command_machine_revoke,
    &bf_command_machine_renew, &bf_command_media,          &bf_command_status,
    &bf_command_points,        &bf_command_verify,         &bf_command_plan,
    &bf_command_finalize,      &bf_command_export,         &bf_command_failover,
    &bf_command_commit,        &bf_command_rollback,       &bf_command_cleanup,
    &bf_command_cancel,        &bf_command_confirm,        &bf_command_jobs,
    &bf_command_job_show,      &bf_command_job_run,        &bf_command_projected,
    &bf_command_assess,
};
enum { COMMANDS = BF_COUNT(commands) };

const struct bf_cli_command *const *bf_cli_commands(size_t *count)
{
    *count = COMMANDS;
    return commands;
}

static const struct bf_cli_option common[] = {
    {"--state", "DIR", 0, "the state's folder (default: BOOTFERRY_STATE, else /var/lib/bootferry)"},
    {"--help", NULL, 0, "this text"},
    {NULL, NULL, 0, NULL},
};

const struct bf_cli_option *bf_cli_common(void)
{
    return common;
}
