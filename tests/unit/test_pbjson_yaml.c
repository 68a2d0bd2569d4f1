#include <errno.h>
#include <stdlib.h>

#include "common/base/cleanup.h"
#include "common/base/mem.h"
#include "common/pbjson/pbjson.h"
#include "proto/types.pb-c.h"
#include "tests/lib/test.h"
#include "tests/proto/zoo.pb-c.h"

static struct pbjson_err err;

static void *
parse(const ProtobufCMessageDescriptor *type, const char *text)
{
	ProtobufCMessage *message = NULL;

	if (pbjson_parse_yaml(type, text, strlen(text), &message, &err) < 0)
		fail_msg("%s: %s: %s", text, err.path, err.err.text);
	return message;
}

static void
release(void *message)
{
	protobuf_c_message_free_unpacked(message, NULL);
}

static void
refused(const char *text, const char *path, const char *words)
{
	ProtobufCMessage *message = NULL;

	if (pbjson_parse_yaml(&davit__task_spec__descriptor, text, strlen(text), &message, &err) !=
		-EINVAL)
		fail_msg("%s: was taken", text);
	if (strcmp(err.path, path) != 0)
		fail_msg("%s: at '%s', want '%s': %s", text, err.path, path, err.err.text);
	CHECK_HAS(err.err.text, words);
}

/* The YAML means what the JSON says. */
static void
means(const ProtobufCMessageDescriptor *type, const char *yaml, const char *json)
{
	ProtobufCMessage *message = parse(type, yaml);
	struct buf out = {0};

	pbjson_print(message, PBJSON_COMPACT, &out);
	CHECK_STR(buf_text(&out), json);
	buf_fini(&out);
	release(message);
}

TEST(a_job_file_as_people_write_it)
{
	means(&davit__task_spec__descriptor,
		"# a small web server\n"
		"name: web\n"
		"image: nginx:1.25\n"
		"command: [httpd, -f, -p, 80]\n"
		"env:\n"
		"  VERSION: 1.10\n"
		"  DEBUG: yes\n"
		"  EMPTY: \"\"\n"
		"labels:\n"
		"  - a=b\n"
		"cpu: 1.5\n"
		"memory: 512MiB\n"
		"ports:\n"
		"  - container_port: 80\n"
		"    protocol: tcp\n"
		"  - {container_port: 53, protocol: UDP, host_port: 5353}\n"
		"restart:\n"
		"  condition: on-failure\n"
		"  delay: 1s\n"
		"ttl: 10m\n"
		"tty: true\n"
		"hostname: ~\n"
		"user: '1000'\n",
		"{\"name\":\"web\",\"image\":\"nginx:1.25\",\"command\":[\"httpd\",\"-f\",\"-p\","
		"\"80\"],\"env\":{\"VERSION\":\"1.10\",\"DEBUG\":\"yes\",\"EMPTY\":\"\"},"
		"\"user\":\"1000\",\"labels\":{\"a\":\"b\"},\"cpu_milli\":1500,\"memory_bytes\":"
		"536870912,\"ports\":[{\"container_port\":80,\"protocol\":\"TCP\"},"
		"{\"container_port\":53,\"protocol\":\"UDP\",\"host_port\":5353}],\"restart\":"
		"{\"condition\":\"ON_FAILURE\",\"delay_ms\":1000},\"ttl_ms\":600000,\"tty\":true}");
}

TEST(a_plain_scalar_is_what_its_field_wants)
{
	means(&zoo__animal__descriptor,
		"i32: -5\nu64: 18446744073709551615\nwide: 1e3\nreal: .5\nflag: false\n"
		"text: true\ndata: Zm9v\nsize: 7\ntexts: [5, null x, 'null', 1.0, \"\", -]\n"
		"map: {5: 6, true: false}\nsizes: [very-big, -3]\n",
		"{\"i32\":-5,\"u64\":18446744073709551615,\"real\":0.5,\"wide\":1000,\"flag\":false,"
		"\"text\":\"true\",\"data\":\"Zm9v\",\"size\":\"VERY_BIG\",\"texts\":[\"5\","
		"\"null x\",\"null\",\"1.0\",\"\",\"-\"],\"sizes\":[\"VERY_BIG\",\"BELOW\"],"
		"\"map\":{\"5\":\"6\",\"true\":\"false\"}}");
}

TEST(no_is_a_condition_and_not_a_lie)
{
	means(&davit__restart_policy__descriptor, "condition: no\n", "{\"condition\":\"NO\"}");
}

TEST(null_has_its_words_and_is_absent)
{
	means(&zoo__animal__descriptor, "i32:\ntext: ~\nchild: null\ntexts: Null\nmap: NULL\n",
		"{}");
	means(&zoo__animal__descriptor, "text: \"null\"\n", "{\"text\":\"null\"}");
}

TEST(blocks_of_text_are_texts)
{
	means(&zoo__animal__descriptor, "text: |\n  a\n  b\ntexts:\n  - >-\n    c\n    d\n",
		"{\"text\":\"a\\nb\\n\",\"texts\":[\"c d\"]}");
}

TEST(json_is_yaml_too)
{
	means(&davit__task_spec__descriptor,
		"{\"image\": \"x\", \"env\": {\"A\": \"1\"}, \"cpu\": 2}",
		"{\"image\":\"x\",\"env\":{\"A\":\"1\"},\"cpu_milli\":2000}");
	means(&davit__task_spec__descriptor, "---\nimage: x\n...\n", "{\"image\":\"x\"}");
}

TEST(what_is_wrong_is_told_with_line_and_path)
{
	refused("image: x\nimgae: y\n", "imgae", "is 'image' meant? (line 2)");
	refused("ports:\n  - container_port: 80\n  - container_port: http\n",
		"ports[1].container_port", "want a whole number, not 'http' (line 3)");
	refused("env:\n  A: 1\n  B:\n", "env[\"B\"]", "want a text, not null (line 3)");
	refused("env:\n  A: 1\n  A: 2\n", "env[\"A\"]", "given twice (line 3)");
	refused("cpu: lots\n", "cpu", "cores such as 1.5 or 500m (line 1)");
	refused("cpu: 1\ncpu_milli: 5\n", "cpu_milli", "not both (line 2)");
	refused("tty: yes\n", "tty", "want true or false, not 'yes' (line 1)");
	refused("tty: \"true\"\n", "tty", "want true or false, not the text 'true'");
	refused("command: x\n", "command", "want a list, not 'x'");
	refused("ulimits:\n- soft: 1\n", "ulimits[0].name", "is required");
	refused("image: \"a\\0b\"\n", "image", "NUL");
	refused("- a\n", "", "want an object, not a list (line 1)");
	refused("just words\n", "", "want an object, not 'just words'");
	refused("---\n", "", "want an object, not null");
}

TEST(what_yaml_could_do_and_we_do_not_is_refused)
{
	refused("image: &a x\n", "", "line 1: anchors (&name) are not supported");
	refused("restart: &a\n  condition: no\n", "", "anchors");
	refused("command: &a [x]\n", "", "anchors");
	refused("image: *a\n", "", "line 1: aliases (*name)");
	refused("image: !!str x\n", "", "tags (!name)");
	refused("command: !x [a]\n", "", "tags");
	refused("restart: !x {}\n", "", "tags");
	refused("image: x\n---\nimage: y\n", "", "line 2: there may be only one document");
	refused("? [a]\n: b\n", "", "a name must be a text");
	refused("{{a: b}: c}\n", "", "a name must be a text");
	refused("", "", "there is nothing in it");
	refused("# a comment\n", "", "there is nothing in it");
}

TEST(what_is_no_yaml_is_refused_with_its_place)
{
	refused("image: x\n  oops: y\n", "", "not YAML: line 2");
	refused("command: [a\n", "", "not YAML: line");
	refused("\timage: x\n", "", "not YAML: line 1");
	refused("image: \"x\n", "", "not YAML");
	refused("image: a: b\n", "", "not YAML: line 1, column 9");
	refused("image: \xff\n", "", "not YAML: byte 7: invalid leading UTF-8 octet");
	refused("image: \xed\xa0\x80\n", "", "not YAML: byte");
	refused("image: \x01\n", "", "not YAML: byte");
	refused("image: \"\\ud800\"\n", "", "not YAML");
}

TEST(depth_and_size_are_limited)
{
	struct buf text = {0};
	char *spaces;
	ProtobufCMessage *message = NULL;

	for (int i = 0; i < PBJSON_DEPTH_MAX - 1; i++)
		buf_puts(&text, "{child: ");
	buf_puts(&text, "{}");
	for (int i = 0; i < PBJSON_DEPTH_MAX - 1; i++)
		buf_puts(&text, "}");
	release(parse(&zoo__animal__descriptor, buf_text(&text)));
	buf_reset(&text);
	for (int i = 0; i < 100000; i++)
		buf_puts(&text, "{child: ");
	CHECK_EQ(pbjson_parse_yaml(&zoo__animal__descriptor, buf_text(&text), text.size, &message,
			 &err),
		-EINVAL);
	CHECK_HAS(err.err.text, "nested deeper than 32");
	buf_fini(&text);
	spaces = xmalloc(PBJSON_TEXT_MAX + 1);
	memset(spaces, ' ', PBJSON_TEXT_MAX + 1);
	CHECK_EQ(pbjson_parse_yaml(&zoo__animal__descriptor, spaces, PBJSON_TEXT_MAX + 1, &message,
			 &err),
		-E2BIG);
	free(spaces);
}

TEST(a_bomb_of_brackets_is_cheap)
{
	char *text = xmalloc(4 << 20);

	memset(text, '[', 4 << 20);
	text[(4 << 20) - 1] = '\0';
	refused(text, "", "");
	free(text);
}

/* Prints as YAML, reads that, and prints both as JSON. */
static void
round_trip(const ProtobufCMessageDescriptor *type, const char *json)
{
	ProtobufCMessage *message = NULL;
	struct buf yaml = {0};

	if (pbjson_parse(type, json, strlen(json), &message, &err) < 0)
		fail_msg("%s: %s: %s", json, err.path, err.err.text);
	pbjson_print_yaml(message, &yaml);
	means(type, buf_text(&yaml), json);
	buf_fini(&yaml);
	release(message);
}

TEST(printed_yaml_is_short_and_readable)
{
	Davit__TaskSpec *spec = parse(&davit__task_spec__descriptor,
		"{image: nginx, command: [sh, -c, echo hi], env: {A: '1', B: x y}, cpu: 1,"
		" ports: [{container_port: 80, protocol: TCP}, {container_port: 81}],"
		" restart: {condition: NO}, healthcheck: {}, tty: false}");
	struct buf out = {0};

	pbjson_print_yaml(&spec->base, &out);
	CHECK_STR(buf_text(&out), "image: nginx\n"
				  "command:\n"
				  "  - sh\n"
				  "  - \"-c\"\n"
				  "  - echo hi\n"
				  "env:\n"
				  "  A: \"1\"\n"
				  "  B: x y\n"
				  "cpu_milli: 1000\n"
				  "ports:\n"
				  "  - container_port: 80\n"
				  "    protocol: TCP\n"
				  "  - container_port: 81\n"
				  "restart:\n"
				  "  condition: \"NO\"\n"
				  "healthcheck: {}\n"
				  "tty: false\n");
	buf_fini(&out);
	release(spec);
}

TEST(printed_yaml_reads_back_as_what_it_was)
{
	round_trip(&zoo__animal__descriptor, "{}");
	round_trip(&zoo__animal__descriptor, "{\"children\":[{},{\"children\":[{\"i32\":1}]},{}],"
					     "\"cages\":[{\"key\":\"k\",\"value\":{\"i32\":1}}]}");
	round_trip(&zoo__animal__descriptor,
		"{\"u64\":18446744073709551615,\"wide\":1e-09,\"flag\":true,\"data\":\"AAE=\","
		"\"size\":\"NONE\",\"child\":{},\"wides\":[\"NaN\",\"-Infinity\",1.5],"
		"\"map\":{\"a: b\":\"#c\",\"\":\"\",\"y\":\"n\",\"x # y\":\"a:\"},\"prey\":{}}");
}

TEST(every_text_survives_yaml)
{
	static const char *const texts[] = {"", " ", "a ", " a", "true", "No", "null", "~", "1.10",
		"0x10", "a: b", "a:b", "a:", "a #b", "a#b", "- a", "-", "?", "? a", "[a]", "{a}",
		"*a", "&a", "!a", "|", ">", "%a", "@a", "`a", "a\\tb", "a\\nb\\n", "\\\"", "\\\\",
		"'a'", "a\\u0001b", "a, b", "---", "...", "a\x7f", "\xc2\x85x", "\xe2\x80\xa8x",
		"\xe2\x80\xa9", "\xef\xbb\xbfx", "\xef\xbf\xbe", "\xef\xbf\xbf", "\xef\xbf\xbd",
		"\xf0\x9f\x98\x80", "\xc3\xbc", "a\\u001bb", "=", "<<", "2024-01-01", "12:30:45",
		"a  b", "a\xc2\xa0"};

	for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
		struct buf json = {0};

		buf_printf(&json, "{\"text\":\"%s\",\"texts\":[\"%s\"],\"map\":{\"%s\":\"%s\"}}",
			texts[i], texts[i], texts[i], texts[i]);
		round_trip(&zoo__animal__descriptor, buf_text(&json));
		buf_fini(&json);
	}
}
