/** Keys that work everywhere on the page, outside of fields. */

import { addBox } from './box-edits.ts';
import { getState, redo, setState, step, undo } from './store.ts';

export function onShortcut(event: KeyboardEvent): void {
  const { key, target } = event;
  const isTyping =
    target instanceof HTMLElement && target.matches('input:not([type=range], [type=radio]), textarea, select');
  if (isTyping || event.altKey) return;
  const action = event.ctrlKey || event.metaKey ? withControl(key, event.shiftKey) : plain(key);
  if (!action) return;
  event.preventDefault();
  action();
}

function withControl(key: string, isShift: boolean): (() => void) | undefined {
  if (key.toLowerCase() === 'z') return isShift ? redo : undo;
  return key.toLowerCase() === 'y' ? redo : undefined;
}

const plain = (key: string): (() => void) | undefined =>
  ({
    n: () => step(1),
    p: () => step(-1),
    d: () => setState({ mode: getState().mode === 'draw' ? 'point' : 'draw' }),
    b: addBox,
    Escape: () => setState({ mode: 'point', selectedId: undefined }),
    '/': () => document.querySelector<HTMLElement>('#question, .ask input[type=text]')?.focus(),
  })[key];
