/* follow.c - live events and figures of a Davit cluster: cc follow.c -lnng -o follow
 * follow tcp://127.0.0.1:7073 [TOPIC]; the feed in JSON. */
#include <nng/nng.h>
#include <nng/protocol/pubsub0/sub.h>
#include <stdio.h>
#include <string.h>

int
main(int argc, char **argv)
{
	const char *topic = argc > 2 ? argv[2] : "";
	nng_socket feed;
	nng_msg *message;

	if (argc < 2 || nng_sub0_open(&feed) != 0 ||
		nng_socket_set(feed, NNG_OPT_SUB_SUBSCRIBE, topic, strlen(topic)) != 0 ||
		nng_dial(feed, argv[1], NULL, 0) != 0) {
		fprintf(stderr, "usage: follow URL [TOPIC]\n");
		return 1;
	}
	while (nng_recvmsg(feed, &message, 0) == 0) { /* "<topic> <JSON>\n" */
		fwrite(nng_msg_body(message), 1, nng_msg_len(message), stdout);
		fflush(stdout);
		nng_msg_free(message);
	}
	return 0;
}
