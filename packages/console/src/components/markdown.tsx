import ReactMarkdown from "react-markdown";
import remarkGfm from "remark-gfm";
import styles from "./markdown.module.css";
import { type LinkBase, resolveLink } from "./markdown-links.ts";

/**
 * Markdown as GitHub writes it, rendered on the server to elements: HTML inside is text, and only http, https, mailto and relative
 * links work. Pictures of other sites are shown as links, because a page asks nobody but the console.
 */
export function Markdown({ text, links }: { text: string; links?: LinkBase }) {
  return (
    <div className={styles.markdown}>
      <ReactMarkdown
        remarkPlugins={[remarkGfm]}
        components={{
          a: ({ href, children }) => (
            <a href={resolveLink(href, links, "page")} rel="noreferrer">
              {children}
            </a>
          ),
          img: ({ src, alt }) => {
            const own = typeof src === "string" ? resolveLink(src, links, "raw") : undefined;
            if (own?.startsWith("/")) return <img src={own} alt={alt ?? ""} loading="lazy" />;
            return <a href={own}>{alt || own}</a>;
          },
        }}
      >
        {text}
      </ReactMarkdown>
    </div>
  );
}
