// Undo and redo: a list of documents, each a value that is never changed.

export class History {
  constructor(changed) {
    this.past = [];
    this.future = [];
    this.now = null;
    this.changed = changed;
  }

  /** A new document after the present one. */
  push(document) {
    if (this.now) this.past.push(this.now);
    if (this.past.length > 200) this.past.shift();
    this.now = document;
    this.future = [];
    this.changed(document);
  }

  /** Go on with the history of another session, after the one that was here. */
  adopt(past, now, future) {
    if (this.now) this.past.push(this.now);
    this.past.push(...past);
    this.now = now;
    this.future = [...future];
    this.changed(now);
  }

  undo() {
    if (!this.past.length) return;
    this.future.push(this.now);
    this.now = this.past.pop();
    this.changed(this.now);
  }

  redo() {
    if (!this.future.length) return;
    this.past.push(this.now);
    this.now = this.future.pop();
    this.changed(this.now);
  }
}
