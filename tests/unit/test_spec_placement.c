/* Where a task may go, written as people write it. */
#include <errno.h>

#include "common/base/buf.h"
#include "common/base/cleanup.h"
#include "common/base/mem.h"
#include "common/model/limits.h"
#include "common/model/spec.h"
#include "common/pbjson/pbjson.h"
#include "tests/lib/test.h"

static struct err err;
static char field[SPEC_FIELD_MAX];

/* The fields of a spec that has an image. */
static int
check(const char *fields)
{
	CLEANUP(buf_fini) struct buf text = {0};
	struct pbjson_err why;
	ProtobufCMessage *message;
	int rc;

	buf_printf(&text, "{\"image\":\"x\",%s}", fields);
	if (pbjson_parse(&davit__task_spec__descriptor, (const char *)text.data, text.size,
		    &message, &why) < 0)
		fail_msg("%s: %s: %s", fields, why.path, why.err.text);
	err = (struct err){0};
	field[0] = '\0';
	rc = spec_check((const Davit__TaskSpec *)message, field, &err);
	protobuf_c_message_free_unpacked(message, NULL);
	return rc;
}

static void
good(const char *fields)
{
	CHECK_OK(check(fields), &err);
}

static void
bad(const char *fields, const char *path, const char *words)
{
	if (check(fields) != -EINVAL)
		fail_msg("%s was taken", fields);
	CHECK_STR(field, path);
	CHECK_HAS(err.text, words);
}

TEST(all_of_placement_may_be_said)
{
	good("\"constraints\":[\"node.labels.disk == ssd\",\"engine.version >= 20.10\"]");
	good("\"preferences\":[{\"constraint\":\"node.class == large\",\"weight\":-10},"
	     "{\"constraint\":\"node.labels.x exists\"}]");
	good("\"affinities\":[{\"label\":\"app=web\",\"topology\":\"zone\",\"anti\":true},"
	     "{\"label\":\"app\",\"weight\":10}]");
	good("\"spreads\":[{\"topology\":\"zone\",\"targets\":{\"a\":\"70\",\"*\":\"30\"}},"
	     "{\"topology\":\"node\",\"weight\":100}]");
	good("\"tolerations\":[{\"key\":\"*\"},{\"key\":\"dedicated\",\"value\":\"db\",\"effect\":"
	     "\"NO_EXECUTE\"}]");
	good("\"gpus\":2,\"device_requests\":[{\"kind\":\"fpga\",\"count\":2}],\"max_per_node\":1,"
	     "\"gang\":{\"all_or_nothing\":true}");
}

TEST(wrong_wishes_are_named_by_their_path)
{
	bad("\"preferences\":[{\"constraint\":\"x\"}]", "preferences[0].constraint",
		"no comparison");
	bad("\"preferences\":[{\"constraint\":\"node.id==a\",\"weight\":0}]",
		"preferences[0].weight", "not 0");
	bad("\"preferences\":[{\"constraint\":\"node.id==a\",\"weight\":101}]",
		"preferences[0].weight", "-100 to 100");
	bad("\"affinities\":[{\"label\":\"=web\"}]", "affinities[0].label", "app=web");
	bad("\"affinities\":[{\"label\":\"app=web\",\"topology\":\"a b\"}]",
		"affinities[0].topology", "zone");
	bad("\"affinities\":[{\"label\":\"app\",\"weight\":-1}]", "affinities[0].weight",
		"1 to 100");
	bad("\"spreads\":[{\"topology\":\"\"}]", "spreads[0].topology", "zone");
	bad("\"spreads\":[{\"topology\":\"z\",\"weight\":101}]", "spreads[0].weight", "1 to 100");
	bad("\"spreads\":[{\"topology\":\"z\",\"targets\":{\"a\":\"x\"}}]", "spreads[0].targets",
		"per cent");
	bad("\"spreads\":[{\"topology\":\"z\",\"targets\":{\"a\":\"70\",\"b\":\"31\"}}]",
		"spreads[0].targets", "101 per cent");
	bad("\"tolerations\":[{\"key\":\"a b\"}]", "tolerations[0].key", "dedicated");
	bad("\"device_requests\":[{\"kind\":\"A\"}]", "device_requests[0].kind", "fpga");
	bad("\"device_requests\":[{\"kind\":\"a\",\"count\":1025}]", "device_requests[0].count",
		"1 to 1024");
	bad("\"device_requests\":[{\"kind\":\"a\"},{\"kind\":\"a\"}]", "device_requests[1].kind",
		"twice");
	bad("\"gpus\":1,\"device_requests\":[{\"kind\":\"gpu\"}]", "device_requests[0].kind",
		"'gpus'");
	bad("\"gpus\":1025", "gpus", "1 to 1024");
	bad("\"max_per_node\":1000001", "max_per_node", "1 to 1000000");
	bad("\"priority\":101", "priority", "1 to 100");
}

TEST(lists_of_placement_are_limited)
{
	static const struct {
		const char *name, *item;
		size_t n_max;
	} lists[] = {{"preferences", "{\"constraint\":\"node.id==a\"}", SPEC_LIST_MAX},
		{"affinities", "{\"label\":\"a\"}", SPEC_AFFINITIES_MAX},
		{"spreads", "{\"topology\":\"a\"}", SPEC_SPREADS_MAX},
		{"tolerations", "{\"key\":\"a\"}", SPEC_LIST_MAX}};
	CLEANUP(buf_fini) struct buf kinds = {0};

	for (size_t k = 0; k < sizeof lists / sizeof lists[0]; k++) {
		CLEANUP(buf_fini) struct buf text = {0};

		buf_printf(&text, "\"%s\":[%s", lists[k].name, lists[k].item);
		for (size_t i = 1; i < lists[k].n_max; i++)
			buf_printf(&text, ",%s", lists[k].item);
		buf_puts(&text, "]");
		good(buf_text(&text));
		text.size--;
		buf_printf(&text, ",%s]", lists[k].item);
		bad(buf_text(&text), lists[k].name, "at most");
	}
	buf_puts(&kinds, "\"device_requests\":[{\"kind\":\"k0\"}");
	for (size_t i = 1; i < SPEC_DEVICE_KINDS_MAX; i++)
		buf_printf(&kinds, ",{\"kind\":\"k%zu\"}", i);
	buf_puts(&kinds, "]");
	good(buf_text(&kinds));
	kinds.size--;
	buf_puts(&kinds, ",{\"kind\":\"more\"}]");
	bad(buf_text(&kinds), "device_requests", "at most");
}
