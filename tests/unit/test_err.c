#include <errno.h>

#include "common/base/err.h"
#include "tests/lib/test.h"

TEST(err_wrap_puts_context_before_the_cause)
{
	struct err err = {0};

	CHECK_EQ(err_set(&err, -ENOENT, "no node '%s'", "n1"), -ENOENT);
	CHECK_EQ(err_wrap(&err, "place task '%s'", "t1"), -ENOENT);
	CHECK_STR(err.text, "place task 't1': no node 'n1'");
}

TEST(err_text_is_cut_never_overrun)
{
	struct err err = {0};
	char big[2 * ERR_TEXT_MAX];

	memset(big, 'x', sizeof big - 1);
	big[sizeof big - 1] = '\0';
	(void)err_set(&err, -EINVAL, "%s", big);
	CHECK_EQ(strlen(err.text), ERR_TEXT_MAX - 1);
	(void)err_wrap(&err, "%s", big);
	CHECK_EQ(strlen(err.text), ERR_TEXT_MAX - 1);
}
