#include "tests/lib/http_client.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/lib/test.h"
#include "tests/lib/turn.h"

void
http_client_open(struct http_client *client, uv_loop_t *loop, const char *url, const char *request)
{
	struct sockaddr_in address = {.sin_family = AF_INET};

	client->loop = loop;
	client->size = 0;
	client->is_over = false;
	address.sin_port = htons((uint16_t)strtoul(strrchr(url, ':') + 1, NULL, 10));
	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	client->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	CHECK(connect(client->fd, (struct sockaddr *)&address, sizeof address) == 0);
	CHECK_EQ(write(client->fd, request, strlen(request)), strlen(request));
}

bool
http_client_step(void *arg)
{
	struct http_client *client = arg;
	ssize_t n;

	while (!client->is_over && client->size < sizeof client->text - 1) {
		n = recv(client->fd, client->text + client->size,
			sizeof client->text - 1 - client->size, MSG_DONTWAIT);
		if (n < 0 && errno == EAGAIN)
			break;
		if (n <= 0)
			client->is_over = true;
		else
			client->size += (size_t)n;
	}
	client->text[client->size] = '\0';
	return client->want == NULL ? client->is_over : strstr(client->text, client->want) != NULL;
}

void
http_client_wait(struct http_client *client, const char *want)
{
	client->want = want;
	turn_until(client->loop, http_client_step, client, want == NULL ? "the end" : want);
}

void
http_client_get(struct http_client *client, uv_loop_t *loop, const char *url, const char *path)
{
	char request[512];

	(void)snprintf(request, sizeof request,
		"GET %s HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", path);
	http_client_open(client, loop, url, request);
	http_client_wait(client, NULL);
	(void)close(client->fd);
}
