/* A line of the engine's json-file, from a disk that anything may have written to. */
#include <assert.h>

#include "services/worker/log_file.h"
#include "tests/fuzz/fuzz.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct worker_log_line line;
	struct buf text = {0};

	if (worker_log_json_parse((const char *)data, size, &text, &line)) {
		assert(line.size <= size);
		assert(line.stream == 0 || line.stream == 1);
	}
	buf_fini(&text);
	return 0;
}
