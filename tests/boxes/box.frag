#version 450
layout(location = 0) out float colour;

void main()
{
    colour = 1;
}
