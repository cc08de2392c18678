{#- A part of a whole, 0 to 1. -#}
{% macro share(part, whole) -%}
CAST({{ ident(part) }} AS DECIMAL(18, 4)) / NULLIF({{ ident(whole) }}, 0)
{%- endmacro %}
