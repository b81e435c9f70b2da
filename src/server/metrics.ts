/**
 * Figures for Prometheus, under vLLM's names where it has them, so that dashboards made for it show this server too
 * (vllm-project/vllm, docs/design/metrics.md). What vLLM has no name for begins with `chatrex:`.
 */

import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';
import type { Answer } from '../chatrex/answer.ts';
import type { AskTimes, Engine, EngineObserver } from './engine.ts';

const seconds = {
  short: [0.001, 0.005, 0.01, 0.02, 0.04, 0.06, 0.08, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10, 20, 40, 80],
  long: [0.05, 0.1, 0.3, 0.5, 0.8, 1, 1.5, 2, 2.5, 5, 10, 15, 20, 30, 40, 50, 60, 120, 240, 480],
  token: [0.0025, 0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.75, 1, 2.5],
};

export interface Metrics {
  readonly observer: Required<Pick<EngineObserver, 'onAnswer' | 'onImage' | 'onLost'>>;
  onResponse(route: string, status: number): void;
  /** Gauges read the engine when they are asked for. */
  watch(engine: Engine): void;
  text(): Promise<string>;
  readonly contentType: string;
}

export function createMetrics(modelName: string): Metrics {
  const registry = new Registry();
  registry.setDefaultLabels({ model_name: modelName });
  collectDefaultMetrics({ register: registry });
  const registers = [registry];
  const histogram = (name: string, help: string, buckets: number[]) =>
    new Histogram({ name, help, buckets, registers });
  const counter = (name: string, help: string) => new Counter({ name, help, registers });
  const promptTokens = counter('vllm:prompt_tokens_total', 'Tokens of images and conversations that were read');
  const generationTokens = counter('vllm:generation_tokens_total', 'Tokens of answers that were written');
  const success = new Counter({
    ...{ name: 'vllm:request_success_total', help: 'Answers by how they ended', registers },
    labelNames: ['finished_reason'],
  });
  const firstToken = histogram('vllm:time_to_first_token_seconds', 'From arrival to the first words', seconds.short);
  const betweenTokens = histogram(
    'vllm:inter_token_latency_seconds',
    'Mean time per token of an answer',
    seconds.token,
  );
  const whole = histogram('vllm:e2e_request_latency_seconds', 'From arrival to the end', seconds.long);
  const queued = histogram('vllm:request_queue_time_seconds', 'From arrival to the turn', seconds.long);
  const prefill = histogram('vllm:request_prefill_time_seconds', 'Reading of image and question', seconds.long);
  const decode = histogram('vllm:request_decode_time_seconds', 'Writing of the answer', seconds.long);
  const images = new Counter({
    ...{ name: 'chatrex:images_total', help: 'Images by whether they had been looked at', registers },
    labelNames: ['cached'],
  });
  const restarts = counter('chatrex:model_restarts_total', 'How often the process of the model ended unasked');
  const responses = new Counter({
    ...{ name: 'chatrex:http_responses_total', help: 'Replies by route and status', registers },
    labelNames: ['route', 'status'],
  });
  return {
    observer: {
      onAnswer(answer: Answer, times: AskTimes) {
        const tokens = answer.ids.length;
        promptTokens.inc(answer.promptTokens);
        generationTokens.inc(tokens);
        success.inc({ finished_reason: answer.ending === 'length' ? 'length' : 'stop' });
        firstToken.observe((times.queued + times.prefill) / 1000);
        if (tokens > 1) betweenTokens.observe(times.decode / (tokens - 1) / 1000);
        whole.observe((times.queued + times.prefill + times.decode) / 1000);
        queued.observe(times.queued / 1000);
        prefill.observe(times.prefill / 1000);
        decode.observe(times.decode / 1000);
      },
      onImage: (isCached) => images.inc({ cached: String(isCached) }),
      onLost: () => restarts.inc(),
    },
    onResponse: (route, status) => responses.inc({ route, status }),
    watch(engine) {
      const gauge = (name: string, help: string, value: () => number) =>
        new Gauge({
          ...{ name, help, registers },
          collect() {
            this.set(value());
          },
        });
      gauge('vllm:num_requests_running', 'Requests that are worked on', () => engine.load.running);
      gauge('vllm:num_requests_waiting', 'Requests that wait for their turn', () => engine.load.waiting);
      gauge('chatrex:image_cache_entries', 'Images that are kept', () => engine.load.images);
      gauge('chatrex:image_cache_bytes', 'Memory of images that are kept', () => engine.load.imageBytes);
    },
    text: () => registry.metrics(),
    contentType: registry.contentType,
  };
}
