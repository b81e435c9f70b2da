/** The server with the bundled model over a real socket, asked by the official OpenAI client. */

import OpenAI from 'openai';
import type { ChatCompletionCreateParamsNonStreaming } from 'openai/resources/chat/completions';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { GroundingJson } from '../src/server/grounding-json.ts';
import { type LocalServer, sceneUrl, startLocalServer } from '../src/server/testing/local-server.ts';

let server: LocalServer;
let client: OpenAI;
beforeAll(async () => {
  server = await startLocalServer();
  client = new OpenAI({ baseURL: `${server.url}/v1`, apiKey: 'none', maxRetries: 0 });
}, 30_000);
afterAll(() => server.stop());

const question = (text: string, image: object = {}): ChatCompletionCreateParamsNonStreaming => ({
  model: 'nano',
  messages: [
    {
      role: 'user',
      content: [
        { type: 'image_url', image_url: { url: sceneUrl }, ...image },
        { type: 'text', text },
      ],
    },
  ],
});

const describeScene = question(
  'Please breifly describe this image in one sentence and detect all the mentioned objects.',
);

type Grounded = { content: string; grounding: GroundingJson };

describe('the OpenAI client', () => {
  it('lists the model', async () => {
    const { data } = await client.models.list();
    expect(data.map(({ id }) => id)).toEqual(['nano']);
    expect((await client.models.retrieve('nano')).owned_by).toBe('chatrex');
    await expect(client.models.retrieve('other')).rejects.toMatchObject({ status: 404, code: 'model_not_found' });
  });

  it('gets an answer whose phrases are tied to boxes', async () => {
    const completion = await client.chat.completions.create(describeScene);
    const { content, grounding } = completion.choices[0].message as unknown as Grounded;
    expect(completion.choices[0].finish_reason).toBe('stop');
    expect(grounding.image).toEqual({ width: 256, height: 256 });
    expect(grounding.phrases.length).toBeGreaterThan(0);
    const known = new Set(grounding.objects.map(({ index }) => index));
    for (const { start, end, text, objects } of grounding.phrases) {
      expect(content.slice(start, end)).toBe(text);
      for (const index of objects) expect(known).toContain(index);
    }
    for (const { box, score } of grounding.objects) {
      expect(box[0]).toBeLessThan(box[2]);
      expect(score).toBeGreaterThan(0);
    }
    const { prompt_tokens, completion_tokens, total_tokens } = completion.usage!;
    expect(prompt_tokens).toBeGreaterThan(64);
    expect(total_tokens).toBe(prompt_tokens + completion_tokens);
  });

  it('streams the same', async () => {
    const { content } = (await client.chat.completions.create(describeScene)).choices[0].message;
    const stream = await client.chat.completions.create({
      ...describeScene,
      stream: true,
      stream_options: { include_usage: true },
    });
    let text = '';
    const phrases: GroundingJson['phrases'] = [];
    let whole: GroundingJson | undefined;
    let tokens = 0;
    for await (const { choices, usage } of stream) {
      tokens = usage?.completion_tokens ?? tokens;
      const { delta, finish_reason } = choices[0] ?? {};
      const { grounding } = (delta ?? {}) as { grounding?: GroundingJson };
      text += delta?.content ?? '';
      if (finish_reason) whole = grounding;
      else phrases.push(...(grounding?.phrases ?? []));
    }
    expect(text).toBe(content);
    expect(whole?.phrases).toEqual(phrases);
    expect(tokens).toBeGreaterThan(0);
  });
});
