import { ChatRexError } from '../../errors.ts';
import { serveTasks } from '../protocol.ts';

/** Squares; fails at 13; takes long at 1000 and more; ends its thread at 99. */
serveTasks(async (value: number) => {
  if (value === 13) throw new ChatRexError('invalid-file', '13 cannot be read');
  if (value === 99) process.exit(7);
  if (value >= 1000) await new Promise((resolve) => setTimeout(resolve, value));
  return value * value;
});
