/** Ids of activities are unique in their conversation alone: two people may write in the same millisecond. */

/** The id by which the kit knows an activity: `19:…@thread.tacv2|1700000000000`. Threads of a channel share its ids. */
export function messageIdOf(conversationId: string, activityId: string): string {
  return `${conversationId.replace(/;messageid=.*$/s, '')}|${activityId}`;
}

/** Teams' own id in it. */
export function activityIdIn(messageId: string): string {
  return messageId.slice(messageId.lastIndexOf('|') + 1);
}
