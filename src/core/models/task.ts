/** Work and findings that hooks and agents leave in a room (behaviour §3.1). */
import type { Metadata } from './json.js';
import type { TaskStatus } from './vocabulary.js';

/** Something to be done, left in a room by a hook, an agent or the host. */
export interface Task {
  readonly id: string;
  readonly roomId: string;
  readonly title: string;
  readonly description?: string;
  readonly assignedTo?: string;
  readonly status: TaskStatus;
  readonly createdAt: string;
  /** Of a tool's later answer: when it is not waited for any more (LTR-03). */
  readonly expiresAt?: string;
  readonly metadata: Metadata;
}

/** Something that was noticed about a conversation, by a hook, an agent or the host. */
export interface Observation {
  readonly id: string;
  readonly roomId: string;
  readonly channelId: string;
  readonly content: string;
  readonly category?: string;
  /** 0..1, default 1. */
  readonly confidence: number;
  readonly createdAt: string;
  readonly metadata: Metadata;
}

/** A task as a hook or agent gives it: the kit adds what is missing. */
export type TaskDraft = Pick<Task, 'title'> & Partial<Omit<Task, 'title' | 'roomId'>>;

/** An observation as a hook or agent gives it; `channelId` defaults to the one that made it. */
export type ObservationDraft = Pick<Observation, 'content'> & Partial<Omit<Observation, 'content' | 'roomId'>>;

/** What came of a tool that answers later: its result, or what went wrong, in words for its agent. */
export type TaskOutcome = { readonly result: unknown } | { readonly error: string };

/** What `kit.completeTask` has done. */
export interface TaskResult {
  readonly status: 'completed' | 'already_completed' | 'not_found';
  /** As it is now; absent with `not_found`. */
  readonly task?: Task;
}
