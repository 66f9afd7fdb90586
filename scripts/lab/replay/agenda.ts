/** What is to happen, by its second; what happens may add to it. */
export class Agenda<Item> {
  readonly #items = new Map<number, Item[]>();
  /** Descending. */
  readonly #times: number[] = [];

  /** @param time Unix seconds. */
  add(time: number, item: Item): void {
    const known = this.#items.get(time);
    if (known !== undefined) {
      known.push(item);
      return;
    }
    this.#items.set(time, [item]);
    let [low, high] = [0, this.#times.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.#times[middle] ?? 0) > time) low = middle + 1;
      else high = middle;
    }
    this.#times.splice(low, 0, time);
  }

  /** Takes the earliest second with all of its items, in the order in which they were added; undefined when there is none. */
  take(): { readonly time: number; readonly items: readonly Item[] } | undefined {
    const time = this.#times.pop();
    if (time === undefined) return undefined;
    const items = this.#items.get(time) ?? [];
    this.#items.delete(time);
    return { time, items };
  }
}
