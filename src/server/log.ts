/** The server's log: one JSON object a line, without images, texts or keys. */

export type LogFields = Readonly<Record<string, string | number | boolean | undefined>>;

export interface Log {
  info(event: string, fields?: LogFields): void;
  error(event: string, fields?: LogFields): void;
}

/** @param write takes one line with its end */
export function createLog(write: (line: string) => void): Log {
  const line = (level: 'info' | 'error') => (event: string, fields?: LogFields) =>
    write(`${JSON.stringify({ time: new Date().toISOString(), level, event, ...fields })}\n`);
  return { info: line('info'), error: line('error') };
}
