/** The look a user chose; without a choice the system's. Only a look, so a plain cookie keeps it. */
export const themeCookie = "krate_theme";
export type Theme = "light" | "dark";

export function themeOf(value: string | undefined): Theme | undefined {
  return value === "light" || value === "dark" ? value : undefined;
}
