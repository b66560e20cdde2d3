/** newman comes without types: what our tests use of it. */
declare module 'newman' {
  export interface Summary {
    run: {
      executions: { item: { id: string }; response?: { stream?: Buffer } }[]
      failures: { error: Error; source?: { id: string; name: string } }[]
    }
  }
  interface Options {
    collection: object
    envVar: { key: string; value: string }[]
    timeoutScript: number
  }
  const newman: { run(options: Options, done: (error: Error | null, summary: Summary) => void): void }
  export default newman
}
