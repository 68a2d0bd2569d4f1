/*
 * curl_loop.h - libcurl's transfers on a libuv loop.
 *
 * One multi handle with one timer, and one poll handle per socket. Nothing here
 * blocks. The functions below must not be called from libcurl's own callbacks
 * (write, header); from done and after they may, and so may the close.
 */
#pragma once

#include <stdbool.h>

#include <curl/curl.h>
#include <uv.h>

#include "common/base/cleanup.h"
#include "common/base/err.h"

struct curl_loop;

struct curl_loop_events {
	/* Something may have arrived: the write callbacks have been called, nothing of curl is on
	 * the stack. */
	void (*after)(void *arg);
	/* The transfer is over and has been taken out; the easy handle is the caller's again. */
	void (*done)(CURL *easy, CURLcode result, void *arg);
	/* May be NULL. True: the transfer was only to connect (CURLOPT_CONNECT_ONLY), and stays in
	 * until it is taken out; done is not called. */
	bool (*keeps)(CURL *easy, void *arg);
	/* The loop has let go of everything; the last word. */
	void (*closed)(void *arg);
	void *arg;
};

/* -EIO when libcurl cannot be had. */
int curl_loop_open(uv_loop_t *loop, const struct curl_loop_events *events,
	struct curl_loop **ret_loop, struct err *err);

/* Starts a transfer. -EIO when libcurl refuses it. */
int curl_loop_add(struct curl_loop *loop, CURL *easy, struct err *err);
/* Ends a transfer early: done is not called for it. */
void curl_loop_remove(struct curl_loop *loop, CURL *easy);

/* Every transfer must have been taken out. closed follows later. NULL is fine. */
void curl_loop_close(struct curl_loop *loop);
CLEANUP_DEFINE(struct curl_loop *, curl_loop_close)
