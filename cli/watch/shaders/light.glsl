/* Values as they are shown, as the window's format wants them: those that encode light get light, by the curve of IEC
 * 61966-2-1. */
vec3 as_written(vec3 value)
{
    if (encodes == 0u)
        return value;
    return mix(pow((value + 0.055) / 1.055, vec3(2.4)), value / 12.92, lessThanEqual(value, vec3(0.04045)));
}
