import { defineConfig } from "vitest/config";

// Built into the API's static files. Addresses are relative, since a proxy may put the API anywhere.
export default defineConfig({
  base: "./",
  build: {
    outDir: "../shanhai_api/static/console",
    emptyOutDir: true,
    manifest: "manifest.json",
    modulePreload: { polyfill: false },
    // Small files stay files: the page's rules allow no data in styles.
    assetsInlineLimit: 0,
    target: "es2022",
    // The map library is one of a megabyte, loaded with the first map.
    chunkSizeWarningLimit: 1200,
    rolldownOptions: { input: "main.tsx" },
  },
  test: {
    environment: "happy-dom",
    include: ["*.test.{ts,tsx}", "{kit,screens}/**/*.test.{ts,tsx}"],
    setupFiles: ["kit/testing_setup.ts"],
    // Otherwise one core is left to whoever watches.
    maxWorkers: "100%",
    pool: "threads",
    isolate: false,
  },
});
