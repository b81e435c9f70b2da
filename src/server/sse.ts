/** Server-sent events: a stream of `data:` lines that begins with the first thing there is to tell. */

import { errorBody } from './api-error.ts';
import type { ServerContext } from './http-context.ts';

export interface EventSink {
  /** Sends a value as JSON, or a text as it is. */
  send(data: unknown): void;
}

/** How items and the result of some work become events. */
export interface Shown<Item, Result> {
  start?(sink: EventSink): void;
  item(sink: EventSink, item: Item): void;
  end(sink: EventSink, result: Result): void;
}

/**
 * A reply that shows what `write` pushes, as it pushes it, and then its result.
 *
 * The status is sent with the first item, so that what goes wrong before has a status of its own; what goes wrong later
 * is the last event.
 * @throws what `write` throws before it pushes anything
 */
export async function streamed<Item, Result>(
  c: ServerContext,
  write: (push: (item: Item) => void) => Promise<Result>,
  shown: Shown<Item, Result>,
): Promise<Response> {
  const waiting: Item[] = [];
  let listener = () => {};
  const begun = new Promise<void>((resolve) => {
    listener = resolve;
  });
  const result = write((item) => {
    waiting.push(item);
    listener();
  });
  await Promise.race([result, begun]);
  return eventStream(async (sink) => {
    const flush = () => {
      for (const item of waiting.splice(0)) shown.item(sink, item);
    };
    listener = flush;
    shown.start?.(sink);
    flush();
    try {
      shown.end(sink, await result);
    } catch (error) {
      sink.send(errorBody(c.get('tell')(error)));
    }
  });
}

function eventStream(produce: (sink: EventSink) => Promise<void>): Response {
  const encoder = new TextEncoder();
  const body = new ReadableStream<Uint8Array>({
    async start(controller) {
      let isOpen = true;
      await produce({
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
      });
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
