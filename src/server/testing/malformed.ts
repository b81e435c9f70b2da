/** Requests that are wrong in every way that chance thinks of, for tests. */

import fc from 'fast-check';

export interface MalformedRequest {
  readonly method: string;
  readonly path: string;
  readonly headers: Record<string, string>;
  readonly body?: string | Uint8Array;
}

/** Bytes that are no image: a request that is right in everything else fails for them. */
const noImage = `data:image/png;base64,${Buffer.from('no image').toString('base64')}`;

/** Requests that are right but for their image, to be spoilt further. */
const templates: [string, object][] = [
  [
    '/v1/chat/completions',
    {
      model: 'nano',
      messages: [
        {
          role: 'user',
          content: [
            {
              type: 'image_url',
              image_url: { url: noImage, detail: 'low' },
              boxes: [[1, 2, 3, 4]],
              granularity: 'both',
            },
            { type: 'text', text: 'What is <obj0>?' },
          ],
        },
        { role: 'assistant', content: 'a dog', grounding: { phrases: [{ start: 2, end: 5, objects: [0] }] } },
        { role: 'user', content: 'And?' },
      ],
      max_tokens: 10,
      temperature: 1,
      top_p: 0.5,
      seed: 3,
      stop: ['a', 'b'],
      stream: true,
      stream_options: { include_usage: true },
      response_format: { type: 'text' },
    },
  ],
  ['/v1/chatrex/ask', { image: noImage, question: 'What?', boxes: [[0, 0, 1, 1]], box_scores: [1], max_tokens: 5 }],
  ['/v1/chatrex/detect', { image: noImage, phrases: ['dog', 'cat'], granularity: 'fine', stream: true }],
  ['/v1/chatrex/count', { image: noImage, phrase: 'dog', temperature: 1 }],
  ['/v1/chatrex/describe', { image: noImage, detail: 'brief' }],
  ['/v1/chatrex/caption', { image: noImage, objects: [0, 1], style: 'phrase' }],
  ['/v1/chatrex/propose', { image: noImage, min_score: 0.1, nms_iou: 0.5, max_boxes: 3 }],
  ['/v1/query', { image_url: noImage, question: 'What?', settings: { temperature: 1 } }],
  ['/v1/detect', { image_url: noImage, object: 'dog' }],
  ['/v1/point', { image_url: noImage, object: 'dog' }],
  ['/v1/caption', { image_url: noImage, length: 'short', stream: true }],
];

const strange = fc.oneof(
  fc.constantFrom<unknown>(
    null,
    true,
    -1,
    0,
    1e308,
    2 ** 53,
    '',
    '\0',
    '\ud800',
    '__proto__',
    [],
    {},
    'file:///etc/passwd',
  ),
  fc.jsonValue({ maxDepth: 3 }),
  fc.string({ unit: 'binary', maxLength: 30 }),
  fc.constant('x'.repeat(70_000)),
);

const json = 'application/json';
const postJson = (path: string, body: string | Uint8Array): MalformedRequest => ({
  ...{ method: 'POST', path, headers: { 'content-type': json }, body },
});

/** A template with one of its values replaced or left out. */
const spoilt = fc
  .tuple(
    fc.constantFrom(...templates),
    fc.nat(),
    fc.option(strange, { nil: undefined }),
    fc.constantFrom('set', 'delete'),
  )
  .map(([[path, template], at, value, how]) => {
    const copy = JSON.parse(JSON.stringify(template));
    const places = placesOf(copy);
    const [parent, key] = places[at % places.length];
    if (how === 'delete') delete parent[key];
    else parent[key] = value;
    return postJson(path, JSON.stringify(copy));
  });

/** The text of a template cut or overwritten anywhere. */
const garbled = fc
  .tuple(fc.constantFrom(...templates), fc.nat(), fc.uint8Array({ maxLength: 5 }), fc.boolean())
  .map(([[path, template], at, bytes, isCut]) => {
    const text = Buffer.from(JSON.stringify(template));
    const place = at % text.length;
    return postJson(
      path,
      isCut ? text.subarray(0, place) : Buffer.concat([text.subarray(0, place), bytes, text.subarray(place + 1)]),
    );
  });

const anything = fc
  .tuple(
    fc.constantFrom(...templates.map(([path]) => path), '/mcp'),
    fc.oneof(fc.json(), fc.string(), fc.constant('['.repeat(50_000))),
  )
  .map(([path, body]) => postJson(path, body));

const elsewhere = fc.record({
  method: fc.constantFrom('GET', 'POST', 'PUT', 'DELETE', 'PATCH'),
  path: fc.webPath().map((path) => `/nowhere/${path}`),
  headers: fc.constant<Record<string, string>>({}),
});

const wrongType = fc
  .tuple(
    fc.constantFrom(...templates),
    fc.constantFrom('text/plain', 'image/png', 'image/svg+xml', 'multipart/form-data', ''),
  )
  .map(([[path, template], type]) => ({
    ...postJson(path, JSON.stringify(template)),
    headers: { 'content-type': type },
  }));

const query = fc
  .tuple(
    fc.constantFrom('ask', 'detect', 'propose', 'caption'),
    fc.webQueryParameters(),
    fc.uint8Array({ minLength: 1, maxLength: 50 }),
  )
  .map(([name, parameters, body]) => ({
    ...{ method: 'POST', path: `/v1/chatrex/${name}?${parameters}`, headers: { 'content-type': 'image/png' }, body },
  }));

export const malformedRequests: fc.Arbitrary<MalformedRequest> = fc.oneof(
  { arbitrary: spoilt, weight: 6 },
  { arbitrary: garbled, weight: 3 },
  { arbitrary: anything, weight: 2 },
  { arbitrary: elsewhere, weight: 1 },
  { arbitrary: wrongType, weight: 1 },
  { arbitrary: query, weight: 2 },
);

/** Every value in a tree, by its parent and key. */
function placesOf(value: object): [Record<string, unknown>, string][] {
  return Object.entries(value).flatMap(([key, inner]) => [
    [value as Record<string, unknown>, key] as [Record<string, unknown>, string],
    ...(inner !== null && typeof inner === 'object' ? placesOf(inner) : []),
  ]);
}

/** What is no HTTP, or HTTP that asks for trouble. */
export const malformedBytes: fc.Arbitrary<Uint8Array> = fc.oneof(
  fc.uint8Array({ minLength: 4, maxLength: 200 }),
  fc
    .constantFrom(
      'GET / HTTP/9.9\r\n\r\n',
      'GET /health HTTP/1.1\r\n\r\n',
      'POST /v1/chatrex/ask HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
      'POST /v1/chatrex/ask HTTP/1.1\r\nHost: localhost\r\nContent-Length: -5\r\n\r\n',
      'POST /v1/chatrex/ask HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n',
      'GET /health HTTP/1.1\r\nHost: a\r\nHost: b\r\n bad: x\r\n\r\n',
      'GET http://[ HTTP/1.1\r\nHost: localhost\r\n\r\n',
      'OPTIONS * HTTP/1.1\r\nHost: x y\r\n\r\n',
      'CONNECT localhost:22 HTTP/1.1\r\nHost: localhost\r\n\r\n',
    )
    .map((text) => Buffer.from(text, 'latin1')),
);
