import { expect, test } from 'vitest';
import { openQueue } from './open-queue.ts';

test('another address is refused by name', async () => {
  await expect(openQueue('amqp://localhost', 'x')).rejects.toThrow(/expected redis:.*postgres:.*came amqp/);
});
