/** Says goodbye and calls the tool that gives the conversation to somebody else. */
import type { Answer } from './script.js';

export function handOver(target: 'mia' | 'ben' | 'tara' | 'human', say: string, about: string): Answer {
  return {
    say,
    call: {
      name: 'handoff_conversation',
      arguments: { target, reason: about.slice(0, 120), summary: `The customer wrote: ${about}` },
    },
  };
}
