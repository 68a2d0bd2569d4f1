#include "common/model/limits.h"
#include "common/model/rules.h"
#include "tests/lib/test.h"

/* n times the letter. Borrowed until the next call. */
static const char *
letters(char letter, size_t n)
{
	static char text[8192];

	memset(text, letter, n);
	text[n] = '\0';
	return text;
}

#define CHECK_RULE(rule, text, want)                                                      \
	do {                                                                              \
		if (rule != (want))                                                       \
			fail_msg("%s:%d: '%s': want %d", __FILE__, __LINE__, text, want); \
	} while (0)

TEST(names_follow_the_rule_of_docker)
{
	static const char *const good[] = {"ab", "A1", "0x", "a_b.c-d", "a-"};
	static const char *const bad[] = {"", "a", "-a", ".a", "_a", "a b", "a/b",
		"\xc3\xbc"
		"b"};

	for (size_t i = 0; i < sizeof good / sizeof good[0]; i++)
		CHECK_RULE(rule_is_name(good[i]), good[i], true);
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
		CHECK_RULE(rule_is_name(bad[i]), bad[i], false);
	CHECK(rule_is_name(letters('a', SPEC_NAME_MAX)));
	CHECK(!rule_is_name(letters('a', SPEC_NAME_MAX + 1)));
}

TEST(namespaces_are_lower_case_labels)
{
	CHECK(rule_is_namespace("a") && rule_is_namespace("team-1"));
	CHECK(!rule_is_namespace("") && !rule_is_namespace("-a") && !rule_is_namespace("a-"));
	CHECK(!rule_is_namespace("A") && !rule_is_namespace("a_b") && !rule_is_namespace("a.b"));
	CHECK(rule_is_namespace(letters('a', SPEC_NAMESPACE_MAX)));
	CHECK(!rule_is_namespace(letters('a', SPEC_NAMESPACE_MAX + 1)));
}

TEST(hostnames_are_labels_with_dots_between)
{
	CHECK(rule_is_hostname("a", 63) && rule_is_hostname("web-1.example.com", 63));
	CHECK(!rule_is_hostname("", 63) && !rule_is_hostname(".", 63));
	CHECK(!rule_is_hostname("-a", 63) && !rule_is_hostname("a-", 63));
	CHECK(!rule_is_hostname("a..b", 63) && !rule_is_hostname("a.", 63));
	CHECK(!rule_is_hostname("a-.b", 63) && !rule_is_hostname("a b", 63));
	CHECK(rule_is_hostname(letters('a', SPEC_HOSTNAME_MAX), SPEC_DOMAIN_MAX));
	CHECK(!rule_is_hostname(letters('a', SPEC_HOSTNAME_MAX + 1), SPEC_DOMAIN_MAX));
	CHECK(!rule_is_hostname("abcde", 4));
}

TEST(paths_are_absolute_and_go_nowhere_up)
{
	CHECK(rule_is_path("/") && rule_is_path("/a/b..c/..d/...") && rule_is_path("/\xc3\xbc"));
	CHECK(!rule_is_path("") && !rule_is_path("a") && !rule_is_path("./a"));
	CHECK(!rule_is_path("/..") && !rule_is_path("/a/../b") && !rule_is_path("/a/.."));
	CHECK(!rule_is_path("/a\nb") && !rule_is_path("/\xff") && !rule_is_path("/a\x7f"));
	CHECK(rule_is_path(letters('/', SPEC_PATH_MAX)));
	CHECK(!rule_is_path(letters('/', SPEC_PATH_MAX + 1)));
}

TEST(keys_of_variables_and_labels)
{
	CHECK(rule_is_env_key("A") && rule_is_env_key("a b.c-d"));
	CHECK(!rule_is_env_key("") && !rule_is_env_key("A=B") && !rule_is_env_key("\xff"));
	CHECK(rule_is_env_key(letters('a', SPEC_KEY_MAX)));
	CHECK(!rule_is_env_key(letters('a', SPEC_KEY_MAX + 1)));
	CHECK(rule_is_label_key("com.example/x_y-z"));
	CHECK(!rule_is_label_key("") && !rule_is_label_key("a b") && !rule_is_label_key("a=b"));
	CHECK(!rule_is_label_key("a\"b") && !rule_is_label_key("\xc3\xbc"));
	CHECK(!rule_is_label_key(letters('a', SPEC_KEY_MAX + 1)));
	CHECK(rule_is_word("1000:1000") && !rule_is_word("a b") && !rule_is_word(""));
	CHECK(rule_is_word(letters('a', SPEC_TEXT_MAX)));
	CHECK(!rule_is_word(letters('a', SPEC_TEXT_MAX + 1)));
}

TEST(addresses_are_numbers)
{
	CHECK(rule_is_address("127.0.0.1") && rule_is_address("::1") && rule_is_address("::"));
	CHECK(!rule_is_address("localhost") && !rule_is_address("1.2.3") && !rule_is_address(""));
	CHECK(!rule_is_address("1.2.3.4/8") && !rule_is_address("1.2.3.256"));
}

TEST(utf8_is_strict)
{
	CHECK(rule_is_utf8("") && rule_is_utf8("a\xc3\xbc\xe2\x82\xac\xf0\x9f\x98\x80"));
	CHECK(!rule_is_utf8("\x80") && !rule_is_utf8("\xc0\xaf") && !rule_is_utf8("\xc3"));
	CHECK(!rule_is_utf8("\xe0\x80\x80") && !rule_is_utf8("\xed\xa0\x80"));
	CHECK(!rule_is_utf8("\xf4\x90\x80\x80") && !rule_is_utf8("\xf0\x8f\xbf\xbf"));
	CHECK(!rule_is_utf8("\xe2\x82") && !rule_is_utf8("\xf0\x9f\x98") && !rule_is_utf8("\xff"));
}

TEST(image_references_as_docker_run_takes_them)
{
	static const char *const good[] = {"nginx", "nginx:1.25", "library/nginx:latest",
		"localhost/x", "localhost:5000/a/b:T_1.2-x", "reg.example.com/a__b/c-d--e.f",
		"[::1]:5000/x", "REG.example.com:443/x", "a/b/c/d",
		"x@sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef",
		"x:t@sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef",
		"sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"};
	static const struct {
		const char *text, *trouble;
	} bad[] = {{"", "empty"}, {"Nginx", "lower case"}, {"nginX", "lower case"},
		{"Foo/bar", "lower case"}, {"a//b", "empty"}, {"/a", "empty"}, {"a/", "empty"},
		{"a b", "may not be there"}, {"-a", "begins or ends"}, {"a-", "begins or ends"},
		{"a..b", "begins or ends"}, {"a___b", "begins or ends"}, {"a:", "tag"},
		{"a:.x", "tag"}, {"a:b:c", "may not be there"}, {"a@", "digest"},
		{"a@sha256:xyz", "digest"}, {"a@sha256:0123", "digest"}, {"a@:0123", "digest"},
		{"x:port/a", "port"}, {"x:/a", "port"}, {"x:123456/a", "port"},
		{"[::1/a", "address"}, {"[zz]:5/a", "address"}, {"a_.b-.c/x", "registry's name"},
		{"http://x", "port"}, {"a\xff", "may not be there"}};

	for (size_t i = 0; i < sizeof good / sizeof good[0]; i++)
		if (rule_image_trouble(good[i]) != NULL)
			fail_msg("%s: %s", good[i], rule_image_trouble(good[i]));
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		if (rule_image_trouble(bad[i].text) == NULL)
			fail_msg("'%s' was taken", bad[i].text);
		CHECK_HAS(rule_image_trouble(bad[i].text), bad[i].trouble);
	}
	CHECK(rule_image_trouble(letters('a', SPEC_IMAGE_MAX)) == NULL);
	CHECK_HAS(rule_image_trouble(letters('a', SPEC_IMAGE_MAX + 1)), "too long");
}

TEST(signals_have_names_and_numbers)
{
	CHECK_EQ(rule_signal_number("TERM"), 15);
	CHECK_EQ(rule_signal_number("SIGTERM"), 15);
	CHECK_EQ(rule_signal_number("sigkill"), 9);
	CHECK_EQ(rule_signal_number("1"), 1);
	CHECK_EQ(rule_signal_number("64"), 64);
	CHECK_EQ(rule_signal_number("RTMIN"), 34);
	CHECK_EQ(rule_signal_number("SIGRTMIN+3"), 37);
	CHECK_EQ(rule_signal_number("RTMAX"), 64);
	CHECK_EQ(rule_signal_number("RTMAX-14"), 50);
	CHECK_EQ(rule_signal_number("0"), -1);
	CHECK_EQ(rule_signal_number("65"), -1);
	CHECK_EQ(rule_signal_number(""), -1);
	CHECK_EQ(rule_signal_number("SIG"), -1);
	CHECK_EQ(rule_signal_number("SIG15"), -1);
	CHECK_EQ(rule_signal_number("TERMX"), -1);
	CHECK_EQ(rule_signal_number("RTMIN+16"), -1);
	CHECK_EQ(rule_signal_number("RTMIN3"), -1);
	CHECK_EQ(rule_signal_number("RTMAX-15"), -1);
	CHECK_EQ(rule_signal_number("999999999999"), -1);
}

TEST(rule_http_get_is_a_port_and_a_path)
{
	const char *const bad[] = {"", "http://:", "http://:0/", "http://:65536/",
		"http://:123456/", "https://:80/", "http://host:80/", "http://:80x",
		"http://:80/a b", "http://:80/\n"};
	const char *path;
	uint32_t port;

	CHECK(rule_http_get("http://:8080/health?x=1", &port, &path));
	CHECK_EQ(port, 8080);
	CHECK_STR(path, "/health?x=1");
	CHECK(rule_http_get("http://:1", &port, &path));
	CHECK_STR(path, "/");
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
		CHECK(!rule_http_get(bad[i], &port, &path));
}
