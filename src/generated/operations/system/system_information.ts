// Generated from schemas/ by npm run generate. Do not edit.
// system_information
export interface Shapes {
  request: Request
  sent: Sent
  response: Response
}
export interface Request {
  /**
   * What to answer; without it everything.
   *
   * @maxItems 10
   */
  attributes?:
    | []
    | ['system' | 'time' | 'cpu' | 'memory' | 'disk' | 'network' | 'process']
    | [
        'system' | 'time' | 'cpu' | 'memory' | 'disk' | 'network' | 'process',
        'system' | 'time' | 'cpu' | 'memory' | 'disk' | 'network' | 'process'
      ]
    | [
        'system' | 'time' | 'cpu' | 'memory' | 'disk' | 'network' | 'process',
        'system' | 'time' | 'cpu' | 'memory' | 'disk' | 'network' | 'process',
        'system' | 'time' | 'cpu' | 'memory' | 'disk' | 'network' | 'process'
      ]
    | [
        'system' | 'time' | 'cpu' | 'memory' | 'disk' | 'network' | 'process',
        'system' | 'time' | 'cpu' | 'memory' | 'disk' | 'network' | 'process',
        'system' | 'time' | 'cpu' | 'memory' | 'disk' | 'network' | 'process',
        'system' | 'time' | 'cpu' | 'memory' | 'disk' | 'network' | 'process'
      ]
    | [
        'system' | 'time' | 'cpu' | 'memory' | 'disk' | 'network' | 'process',
        'system' | 'time' | 'cpu' | 'memory' | 'disk' | 'network' | 'process',
        'system' | 'time' | 'cpu' | 'memory' | 'disk' | 'network' | 'process',
        'system' | 'time' | 'cpu' | 'memory' | 'disk' | 'network' | 'process',
        'system' | 'time' | 'cpu' | 'memory' | 'disk' | 'network' | 'process'
      ]
    | [
        'system' | 'time' | 'cpu' | 'memory' | 'disk' | 'network' | 'process',
        'system' | 'time' | 'cpu' | 'memory' | 'disk' | 'network' | 'process',
        'system' | 'time' | 'cpu' | 'memory' | 'disk' | 'network' | 'process',
        'system' | 'time' | 'cpu' | 'memory' | 'disk' | 'network' | 'process',
        'system' | 'time' | 'cpu' | 'memory' | 'disk' | 'network' | 'process',
        'system' | 'time' | 'cpu' | 'memory' | 'disk' | 'network' | 'process'
      ]
    | [
        'system' | 'time' | 'cpu' | 'memory' | 'disk' | 'network' | 'process',
        'system' | 'time' | 'cpu' | 'memory' | 'disk' | 'network' | 'process',
        'system' | 'time' | 'cpu' | 'memory' | 'disk' | 'network' | 'process',
        'system' | 'time' | 'cpu' | 'memory' | 'disk' | 'network' | 'process',
        'system' | 'time' | 'cpu' | 'memory' | 'disk' | 'network' | 'process',
        'system' | 'time' | 'cpu' | 'memory' | 'disk' | 'network' | 'process',
        'system' | 'time' | 'cpu' | 'memory' | 'disk' | 'network' | 'process'
      ]
    | [
        'system' | 'time' | 'cpu' | 'memory' | 'disk' | 'network' | 'process',
        'system' | 'time' | 'cpu' | 'memory' | 'disk' | 'network' | 'process',
        'system' | 'time' | 'cpu' | 'memory' | 'disk' | 'network' | 'process',
        'system' | 'time' | 'cpu' | 'memory' | 'disk' | 'network' | 'process',
        'system' | 'time' | 'cpu' | 'memory' | 'disk' | 'network' | 'process',
        'system' | 'time' | 'cpu' | 'memory' | 'disk' | 'network' | 'process',
        'system' | 'time' | 'cpu' | 'memory' | 'disk' | 'network' | 'process',
        'system' | 'time' | 'cpu' | 'memory' | 'disk' | 'network' | 'process'
      ]
    | [
        'system' | 'time' | 'cpu' | 'memory' | 'disk' | 'network' | 'process',
        'system' | 'time' | 'cpu' | 'memory' | 'disk' | 'network' | 'process',
        'system' | 'time' | 'cpu' | 'memory' | 'disk' | 'network' | 'process',
        'system' | 'time' | 'cpu' | 'memory' | 'disk' | 'network' | 'process',
        'system' | 'time' | 'cpu' | 'memory' | 'disk' | 'network' | 'process',
        'system' | 'time' | 'cpu' | 'memory' | 'disk' | 'network' | 'process',
        'system' | 'time' | 'cpu' | 'memory' | 'disk' | 'network' | 'process',
        'system' | 'time' | 'cpu' | 'memory' | 'disk' | 'network' | 'process',
        'system' | 'time' | 'cpu' | 'memory' | 'disk' | 'network' | 'process'
      ]
    | [
        'system' | 'time' | 'cpu' | 'memory' | 'disk' | 'network' | 'process',
        'system' | 'time' | 'cpu' | 'memory' | 'disk' | 'network' | 'process',
        'system' | 'time' | 'cpu' | 'memory' | 'disk' | 'network' | 'process',
        'system' | 'time' | 'cpu' | 'memory' | 'disk' | 'network' | 'process',
        'system' | 'time' | 'cpu' | 'memory' | 'disk' | 'network' | 'process',
        'system' | 'time' | 'cpu' | 'memory' | 'disk' | 'network' | 'process',
        'system' | 'time' | 'cpu' | 'memory' | 'disk' | 'network' | 'process',
        'system' | 'time' | 'cpu' | 'memory' | 'disk' | 'network' | 'process',
        'system' | 'time' | 'cpu' | 'memory' | 'disk' | 'network' | 'process',
        'system' | 'time' | 'cpu' | 'memory' | 'disk' | 'network' | 'process'
      ]
}
export interface Sent {
  /**
   * What to answer; without it everything.
   *
   * @maxItems 10
   */
  attributes?:
    | []
    | ['system' | 'time' | 'cpu' | 'memory' | 'disk' | 'network' | 'process']
    | [
        'system' | 'time' | 'cpu' | 'memory' | 'disk' | 'network' | 'process',
        'system' | 'time' | 'cpu' | 'memory' | 'disk' | 'network' | 'process'
      ]
    | [
        'system' | 'time' | 'cpu' | 'memory' | 'disk' | 'network' | 'process',
        'system' | 'time' | 'cpu' | 'memory' | 'disk' | 'network' | 'process',
        'system' | 'time' | 'cpu' | 'memory' | 'disk' | 'network' | 'process'
      ]
    | [
        'system' | 'time' | 'cpu' | 'memory' | 'disk' | 'network' | 'process',
        'system' | 'time' | 'cpu' | 'memory' | 'disk' | 'network' | 'process',
        'system' | 'time' | 'cpu' | 'memory' | 'disk' | 'network' | 'process',
        'system' | 'time' | 'cpu' | 'memory' | 'disk' | 'network' | 'process'
      ]
    | [
        'system' | 'time' | 'cpu' | 'memory' | 'disk' | 'network' | 'process',
        'system' | 'time' | 'cpu' | 'memory' | 'disk' | 'network' | 'process',
        'system' | 'time' | 'cpu' | 'memory' | 'disk' | 'network' | 'process',
        'system' | 'time' | 'cpu' | 'memory' | 'disk' | 'network' | 'process',
        'system' | 'time' | 'cpu' | 'memory' | 'disk' | 'network' | 'process'
      ]
    | [
        'system' | 'time' | 'cpu' | 'memory' | 'disk' | 'network' | 'process',
        'system' | 'time' | 'cpu' | 'memory' | 'disk' | 'network' | 'process',
        'system' | 'time' | 'cpu' | 'memory' | 'disk' | 'network' | 'process',
        'system' | 'time' | 'cpu' | 'memory' | 'disk' | 'network' | 'process',
        'system' | 'time' | 'cpu' | 'memory' | 'disk' | 'network' | 'process',
        'system' | 'time' | 'cpu' | 'memory' | 'disk' | 'network' | 'process'
      ]
    | [
        'system' | 'time' | 'cpu' | 'memory' | 'disk' | 'network' | 'process',
        'system' | 'time' | 'cpu' | 'memory' | 'disk' | 'network' | 'process',
        'system' | 'time' | 'cpu' | 'memory' | 'disk' | 'network' | 'process',
        'system' | 'time' | 'cpu' | 'memory' | 'disk' | 'network' | 'process',
        'system' | 'time' | 'cpu' | 'memory' | 'disk' | 'network' | 'process',
        'system' | 'time' | 'cpu' | 'memory' | 'disk' | 'network' | 'process',
        'system' | 'time' | 'cpu' | 'memory' | 'disk' | 'network' | 'process'
      ]
    | [
        'system' | 'time' | 'cpu' | 'memory' | 'disk' | 'network' | 'process',
        'system' | 'time' | 'cpu' | 'memory' | 'disk' | 'network' | 'process',
        'system' | 'time' | 'cpu' | 'memory' | 'disk' | 'network' | 'process',
        'system' | 'time' | 'cpu' | 'memory' | 'disk' | 'network' | 'process',
        'system' | 'time' | 'cpu' | 'memory' | 'disk' | 'network' | 'process',
        'system' | 'time' | 'cpu' | 'memory' | 'disk' | 'network' | 'process',
        'system' | 'time' | 'cpu' | 'memory' | 'disk' | 'network' | 'process',
        'system' | 'time' | 'cpu' | 'memory' | 'disk' | 'network' | 'process'
      ]
    | [
        'system' | 'time' | 'cpu' | 'memory' | 'disk' | 'network' | 'process',
        'system' | 'time' | 'cpu' | 'memory' | 'disk' | 'network' | 'process',
        'system' | 'time' | 'cpu' | 'memory' | 'disk' | 'network' | 'process',
        'system' | 'time' | 'cpu' | 'memory' | 'disk' | 'network' | 'process',
        'system' | 'time' | 'cpu' | 'memory' | 'disk' | 'network' | 'process',
        'system' | 'time' | 'cpu' | 'memory' | 'disk' | 'network' | 'process',
        'system' | 'time' | 'cpu' | 'memory' | 'disk' | 'network' | 'process',
        'system' | 'time' | 'cpu' | 'memory' | 'disk' | 'network' | 'process',
        'system' | 'time' | 'cpu' | 'memory' | 'disk' | 'network' | 'process'
      ]
    | [
        'system' | 'time' | 'cpu' | 'memory' | 'disk' | 'network' | 'process',
        'system' | 'time' | 'cpu' | 'memory' | 'disk' | 'network' | 'process',
        'system' | 'time' | 'cpu' | 'memory' | 'disk' | 'network' | 'process',
        'system' | 'time' | 'cpu' | 'memory' | 'disk' | 'network' | 'process',
        'system' | 'time' | 'cpu' | 'memory' | 'disk' | 'network' | 'process',
        'system' | 'time' | 'cpu' | 'memory' | 'disk' | 'network' | 'process',
        'system' | 'time' | 'cpu' | 'memory' | 'disk' | 'network' | 'process',
        'system' | 'time' | 'cpu' | 'memory' | 'disk' | 'network' | 'process',
        'system' | 'time' | 'cpu' | 'memory' | 'disk' | 'network' | 'process',
        'system' | 'time' | 'cpu' | 'memory' | 'disk' | 'network' | 'process'
      ]
}
export interface Response {
  /**
   * The operating system.
   */
  system?: {
    /**
     * Name of the system.
     */
    platform: string
    /**
     * Its release.
     */
    release: string
    /**
     * The processor's architecture.
     */
    arch: string
    /**
     * Name of the machine.
     */
    hostname: string
    /**
     * Version of Node.js.
     */
    node_version: string
  }
  /**
   * Time.
   */
  time?: {
    /**
     * Milliseconds since 1970.
     */
    current: number
    /**
     * Time zone of the machine.
     */
    timezone: string
    /**
     * Seconds since the machine started.
     */
    uptime_s: number
  }
  /**
   * The processor.
   */
  cpu?: {
    /**
     * Its name.
     */
    model: string
    /**
     * Cores that the process may use.
     */
    cores: number
    /**
     * Load averages of 1, 5 and 15 minutes.
     */
    load: number[]
  }
  /**
   * Memory of the machine.
   */
  memory?: {
    /**
     * Bytes.
     */
    total: number
    /**
     * Bytes.
     */
    free: number
  }
  /**
   * The file system of the data folder, as it was at most 5 seconds ago.
   */
  disk?: {
    /**
     * Bytes.
     */
    total: number
    /**
     * Bytes that the node may still write.
     */
    free: number
    /**
     * Bytes of the data folder.
     */
    used_by_node: number
  }
  /**
   * The network.
   */
  network?: {
    /**
     * The addresses of the machine.
     */
    interfaces: {
      /**
       * Name of the interface.
       */
      name: string
      /**
       * The address.
       */
      address: string
      /**
       * IPv4 or IPv6.
       */
      family: string
      /**
       * Address of the hardware.
       */
      mac: string
      /**
       * Whether it leads to the machine itself only.
       */
      internal: boolean
    }[]
  }
  /**
   * The process of the node.
   */
  process?: {
    /**
     * Its number.
     */
    pid: number
    /**
     * Seconds since it started.
     */
    uptime_s: number
    /**
     * Bytes of memory that it holds.
     */
    rss: number
    /**
     * Bytes of JavaScript objects.
     */
    heap_used: number
    /**
     * Processor seconds of its own code.
     */
    cpu_user_s: number
    /**
     * Processor seconds of the system for it.
     */
    cpu_system_s: number
  }
}
