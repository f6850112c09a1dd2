/** A script bundled by itself, as text: what a worker is made of (scripts/build.mjs). */
declare module '*?bundled' {
  const source: string;
  export default source;
}
/** Style sheets go into the one beside the script (scripts/build.mjs). */
declare module '*.css';
