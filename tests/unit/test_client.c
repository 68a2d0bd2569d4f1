#include "common/rpc/client.h"

#include <errno.h>

#include "tests/lib/rpc_peer.h"

TEST(client_call_is_answered)
{
	struct peer peer;
	struct seen seen = {0};

	peer_open(&peer, NULL);
	(void)peer_get(&peer, "t1", 5000, &seen);
	CHECK_EQ(seen.n, 0);
	peer_wait_seen(&peer, &seen, 1);
	CHECK_EQ(seen.status, DAVIT__REPLY__STATUS__OK);
	CHECK_STR(seen.id, "t1");
	CHECK(rpc_client_is_connected(peer.client));
	peer_close(&peer);
	CHECK_EQ(seen.n, 1);
}
