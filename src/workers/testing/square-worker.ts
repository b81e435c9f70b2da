import { ChatRexError } from '../../errors.ts';
import { serveTasks } from '../protocol.ts';

/** Squares; fails at 13; takes long at 1000 and more; ends its thread at 99. */
serveTasks(async (value: number, isCancelled) => {
  if (value === 13) throw new ChatRexError('invalid-file', '13 cannot be read');
  if (value === 99) process.exit(7);
  for (let waited = 0; waited < value && value >= 1000; waited += 10) {
    await new Promise((resolve) => setTimeout(resolve, 10));
    if (isCancelled()) throw new ChatRexError('aborted', 'cancelled');
  }
  return value * value;
});
