// Loaded into a node's process by tests (node --import): its wall clock is an hour ahead of all others.
const HOUR_MS = 3_600_000
const RealDate = Date
const now = () => RealDate.now() + HOUR_MS

globalThis.Date = new Proxy(RealDate, {
  construct: (target, args: unknown[]) => Reflect.construct(target, args.length === 0 ? [now()] : args) as object,
  get: (target, name) => (name === 'now' ? now : Reflect.get(target, name)),
})
