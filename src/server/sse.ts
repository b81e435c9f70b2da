/** Server-sent events: a stream of `data:` lines. */

export interface EventSink {
  /** Sends a value as JSON, or a text as it is. */
  send(data: unknown): void;
}

/**
 * A reply whose events `produce` sends; it ends when `produce` does.
 * @param onFailure the last event after a failure, when the status has been sent
 */
export function eventStream(
  produce: (sink: EventSink) => Promise<void>,
  onFailure: (error: unknown) => unknown,
): Response {
  const encoder = new TextEncoder();
  const body = new ReadableStream<Uint8Array>({
    async start(controller) {
      let isOpen = true;
      const sink: EventSink = {
        send(data) {
          if (!isOpen) return;
          const text = typeof data === 'string' ? data : JSON.stringify(data);
          try {
            controller.enqueue(encoder.encode(`data: ${text}\n\n`));
          } catch {
            // The client went away; the request's signal ends the work.
            isOpen = false;
          }
        },
      };
      try {
        await produce(sink);
      } catch (error) {
        sink.send(onFailure(error));
      }
      if (isOpen) controller.close();
    },
  });
  return new Response(body, {
    headers: {
      'content-type': 'text/event-stream; charset=utf-8',
      'cache-control': 'no-store',
      // Proxies must not collect events.
      'x-accel-buffering': 'no',
    },
  });
}
