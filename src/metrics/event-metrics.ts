import { Counter, Gauge, type Registry } from 'prom-client'

/** What is measured when the figures are asked for. */
export interface EventLoad {
  /** Decoded columns in memory. */
  readonly cacheBytes: number
  /** Pages in use, and files. */
  readonly liveBytes: number
  readonly fileBytes: number
  readonly segments: number
}

export interface TriggerLoad {
  readonly triggers: number
  /** Messages that wait for web-hooks, and how old the oldest one is. */
  readonly waiting: number
  readonly oldestSeconds: number
  readonly deadLetters: number
}

/** The figures of events: what comes in, what is scanned, what triggers say and where it goes. */
export class EventMetrics {
  readonly #events: Counter<'outcome'>
  readonly #scans: Counter<'kind'>
  readonly #people: Counter
  readonly #messages: Counter<'outcome'>
  readonly #calls: Counter<'outcome'>
  #eventLoad: (() => Promise<EventLoad>) | undefined
  #triggerLoad: (() => TriggerLoad) | undefined
  #loading: Promise<EventLoad> | undefined

  constructor(registry: Registry) {
    const registers = [registry]
    const counter = <Label extends string>(name: string, help: string, labelNames: Label[]) =>
      new Counter({ name, help, labelNames, registers })
    this.#events = counter('trellis_events_total', 'Events sent, by what became of them.', ['outcome'])
    this.#scans = counter('trellis_event_scans_total', 'Scans of event tables, by kind.', ['kind'])
    this.#people = counter('trellis_event_people_scanned_total', 'People that scans looked at.', [])
    this.#messages = counter('trellis_trigger_messages_total', 'Messages of triggers, by what became of them.', [
      'outcome',
    ])
    this.#calls = counter('trellis_webhook_calls_total', 'Calls of web-hooks, by whether they were taken.', ['outcome'])
    for (const outcome of ['inserted', 'duplicate', 'rejected']) this.#events.inc({ outcome }, 0)
    for (const outcome of ['queued', 'delivered', 'dead']) this.#messages.inc({ outcome }, 0)
    for (const outcome of ['taken', 'failed']) this.#calls.inc({ outcome }, 0)
    this.#gauges(registers)
  }

  #gauges(registers: Registry[]): void {
    const ofEvents = (name: string, help: string, read: (load: EventLoad) => number) => {
      const collect = async () => {
        const load = await this.#eventsNow()
        if (load) gauge.set(read(load))
      }
      const gauge = new Gauge({ name, help, registers, collect })
    }
    ofEvents('trellis_event_segments', 'Stored segments.', (load) => load.segments)
    ofEvents('trellis_event_cache_bytes', 'Decoded columns of events in memory.', (load) => load.cacheBytes)
    ofEvents('trellis_event_live_bytes', 'Pages of event data that are in use.', (load) => load.liveBytes)
    ofEvents('trellis_event_file_bytes', 'Files of event data.', (load) => load.fileBytes)
    const ofTriggers = (name: string, help: string, read: (load: TriggerLoad) => number) => {
      const collect = () => {
        const load = this.#triggerLoad?.()
        if (load) gauge.set(read(load))
      }
      const gauge = new Gauge({ name, help, registers, collect })
    }
    ofTriggers('trellis_triggers', 'Triggers.', (load) => load.triggers)
    ofTriggers('trellis_trigger_messages_waiting', 'Messages that wait for web-hooks.', (load) => load.waiting)
    ofTriggers(
      'trellis_trigger_oldest_message_seconds',
      'Age of the oldest message that waits for a web-hook.',
      (load) => load.oldestSeconds,
    )
    ofTriggers('trellis_trigger_dead_letters', 'Dead letters that are kept.', (load) => load.deadLetters)
  }

  /** One question for all gauges of one answer. */
  #eventsNow(): Promise<EventLoad> | undefined {
    this.#loading ??= this.#eventLoad?.().finally(() => {
      this.#loading = undefined
    })
    return this.#loading
  }

  /** Asks these when the figures are asked for. */
  measure(events: () => Promise<EventLoad>, triggers: () => TriggerLoad): void {
    this.#eventLoad = events
    this.#triggerLoad = triggers
  }

  inserted(inserted: number, duplicates: number, rejected: number): void {
    this.#events.inc({ outcome: 'inserted' }, inserted)
    this.#events.inc({ outcome: 'duplicate' }, duplicates)
    this.#events.inc({ outcome: 'rejected' }, rejected)
  }

  scanned(kind: string, people: number): void {
    this.#scans.inc({ kind })
    this.#people.inc(people)
  }

  messageQueued(): void {
    this.#messages.inc({ outcome: 'queued' })
  }

  messagesDied(count: number): void {
    this.#messages.inc({ outcome: 'dead' }, count)
  }

  messagesDelivered(count: number): void {
    this.#messages.inc({ outcome: 'delivered' }, count)
  }

  hookCalled(isTaken: boolean): void {
    this.#calls.inc({ outcome: isTaken ? 'taken' : 'failed' })
  }
}
