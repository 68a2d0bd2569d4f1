#include "services/cli/cli_progress.h"

#include <inttypes.h>
#include <stdio.h>

#include "common/base/units.h"

enum { WIDTH = 20, TEXT_MAX = 300 };

/* Bytes say more than layers do, and come to their end before the last layer is unpacked. */
static unsigned
filled(const Davit__PullProgress *pull)
{
	uint64_t bytes = pull->bytes < pull->bytes_total ? pull->bytes : pull->bytes_total;
	uint32_t n_done =
		pull->n_layers_done < pull->n_layers ? pull->n_layers_done : pull->n_layers;
	double by_layers = pull->n_layers == 0 ? 0 : (double)n_done / pull->n_layers;
	double by_bytes =
		pull->bytes_total == 0 ? by_layers : (double)bytes / (double)pull->bytes_total;

	return (unsigned)(WIDTH * (by_layers + by_bytes) / 2);
}

void
cli_progress_format(const Davit__PullProgress *pull, struct buf *line)
{
	char got[UNITS_TEXT_SIZE], total[UNITS_TEXT_SIZE];
	unsigned n = filled(pull);

	buf_printf(line, "[%.*s%.*s] %" PRIu32 " of %" PRIu32 " layers", (int)n,
		"####################", (int)(WIDTH - n), "....................",
		pull->n_layers_done, pull->n_layers);
	if (pull->bytes_total > 0)
		buf_printf(line, ", %s of %s", units_format_bytes(pull->bytes, got),
			units_format_bytes(pull->bytes_total, total));
}

bool
cli_progress_draw(struct cli_progress *progress, const char *name, const Davit__PullProgress *pull)
{
	struct cli *cli = progress->cli;
	CLEANUP(buf_fini) struct buf line = {0};

	if (!cli->is_err_terminal)
		return false;
	if (cli->globals->is_quiet)
		return true;
	cli_progress_format(pull, &line);
	(void)fprintf(cli->err, "\r\033[K%s: pulling %s", name, buf_text(&line));
	(void)fflush(cli->err);
	progress->is_drawn = true;
	return true;
}

void
cli_progress_clear(struct cli_progress *progress)
{
	if (!progress->is_drawn)
		return;
	(void)fprintf(progress->cli->err, "\r\033[K");
	(void)fflush(progress->cli->err);
	progress->is_drawn = false;
}

bool
cli_progress_parse(const char *line, Davit__PullProgress *ret_pull, const char **ret_sentence)
{
	Davit__PullProgress *pull = ret_pull;
	int at = 0;

	davit__pull_progress__init(pull);
	if (sscanf(line, "%" SCNu32 " %" SCNu32 " %" SCNu64 " %" SCNu64 " %n", &pull->n_layers_done,
		    &pull->n_layers, &pull->bytes, &pull->bytes_total, &at) != 4 ||
		at == 0)
		return false;
	*ret_sentence = line + at;
	return true;
}
