/*
 * What the thread sanitizer must not judge. The library nng is not built with it,
 * so that the atomic counts of references to its messages go unseen: a message
 * that one thread has sent seems to be freed by another without order. Only nng
 * calls sendmsg and readv in our processes; our own code stays under test.
 */
const char *__tsan_default_suppressions(void);

const char *
__tsan_default_suppressions(void)
{
	return "race:sendmsg\nrace:readv\n";
}
