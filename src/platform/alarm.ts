/** The one alarm of a Durable Object, as the earliest of named deadlines (epoch ms; null: none). */
export type Deadlines = Readonly<Record<string, number | null>>;

export interface Alarm {
  /** Arms the alarm for the earliest of these deadlines. Writes only where that instant moved. */
  set(deadlines: Deadlines): void;
  /** To be called first in the alarm's handler: the runtime has taken the alarm away. */
  fired(): void;
}

/** The earliest of the deadlines; null where there is none. */
export function earliest(deadlines: Deadlines): number | null {
  const set = Object.values(deadlines).filter(at => at !== null);
  return set.length === 0 ? null : Math.min(...set);
}

/** The alarm of an object that has just been constructed: what is set in storage is not known until the first `set`. */
export function openAlarm(storage: Pick<DurableObjectStorage, 'setAlarm' | 'deleteAlarm'>): Alarm {
  let known: number | null | undefined;

  return {
    set(deadlines) {
      const at = earliest(deadlines);
      if (at === known) return;
      known = at;
      if (at === null) storage.deleteAlarm();
      else storage.setAlarm(at);
    },
    fired() {
      known = null;
    },
  };
}
